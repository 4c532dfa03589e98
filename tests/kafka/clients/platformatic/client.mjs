// @platformatic/kafka: what README.md beside this folder lists. It speaks the newer versions of each request only.
import { Admin, Consumer, Producer } from '@platformatic/kafka'

const [bootstrap, verb, name, count] = process.argv.slice(2)
const common = { clientId: 'platformatic', bootstrapBrokers: [bootstrap] }
const admin = new Admin(common)
const PARTITIONS = 4
const AT = 1700000000000n
const TOPIC = 2
const groups = []

function assert(holds, what) {
  if (!holds) throw new Error(what)
}

// What a stream of records has ended with.
let broken = null

async function until(what, happened, milliseconds = 30000) {
  const end = Date.now() + milliseconds
  while (!(await happened())) {
    if (broken) throw broken
    assert(Date.now() < end, `not in time: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

// A client's error holds those of its attempts.
const whole = error => [error.message, error.apiId, ...(error.errors ?? []).map(whole), error.cause ? whole(error.cause) : '']
  .filter(Boolean).join('; ')

async function make(topic, partitions, settings) {
  return await admin.createTopics({ topics: [topic], partitions, replicas: 1,
    configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })) })
}

async function send(topic, messages, options = {}) {
  const producer = new Producer({ ...common, retries: 3 })
  try {
    for (let i = 0; i < messages.length; i += 500)
      await producer.send({ acks: -1, ...options, messages: messages.slice(i, i + 500).map(m => ({
        ...m, topic, key: bytes(m.key), value: bytes(m.value) })) })
  } finally {
    await producer.close()
  }
}

const bytes = text => (typeof text === 'string' ? Buffer.from(text) : text)
const text = buffer => (buffer === null || buffer === undefined ? null : buffer.toString())

const MAX_WAIT_MS = 200

async function read(topic, groupId, seen, options = {}) {
  const consumer = new Consumer({ ...common, groupId, maxWaitTime: MAX_WAIT_MS, heartbeatInterval: 300, maxBytes: 16 << 20, ...options })
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
  stream.on('data', message => seen.push(message))
  stream.on('error', error => { broken = error })
  return { consumer, async stop() {
    await stream.close()
    await consumer.close(true)
  } }
}

// The library reads in groups only: one of its own, for another client's may have committed. Reads what each partition
// holds now, to its end.
async function readAll(topic) {
  const groupId = `${topic}.platformatic.${groups.length}`
  groups.push(groupId)
  const listed = new Consumer({ ...common, groupId: `${groupId}.ends` })
  const ends = (await listed.listOffsets({ topics: [topic] })).get(topic)
  await listed.close()
  const seen = []
  const reader = await read(topic, groupId, seen)
  const behind = () => [...ends.keys()].filter(p => ends[p] > 0n &&
    !seen.some(m => m.partition === p && m.offset >= ends[p] - 1n))
  await until(`the end of ${topic}`, () => behind().length === 0)
  await reader.stop()
  return seen
}

const checks = {
  async topic() {
    const [made] = await make(`${name}.main`, PARTITIONS, { 'retention.ms': '-1', 'cleanup.policy': 'delete' })
    assert(made.partitions === PARTITIONS, `${made.partitions} partitions`)
    const metadata = await admin.metadata({ topics: [`${name}.main`] })
    assert(metadata.topics.get(`${name}.main`).partitions.length === PARTITIONS, 'partitions')
    await make(`${name}.main`, 1, {}).then(() => assert(false, 'made twice'),
      error => assert(/TOPIC_ALREADY_EXISTS/.test(whole(error)), whole(error)))
  },
  async codecs() {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'], had = []
    for (const compression of codecs) {
      const sent = await send(`${name}.main`, Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: `${compression} `.repeat(50) })),
        { compression }).then(() => true, error => {
          assert(/not supported in the current Node|not found|install/i.test(whole(error)), `${compression}: ${whole(error)}`)
          return false
        })
      if (sent) had.push(compression)
    }
    const all = await readAll(`${name}.main`)
    for (const codec of had) assert(all.filter(m => text(m.value).startsWith(codec)).length === 100, codec)
    return had.join(' ')
  },
  async idempotent() {
    const topic = `${name}.idempotent`
    await make(topic, PARTITIONS, {})
    await send(topic, Array.from({ length: 1000 }, (_, i) => ({ key: `k${i}`, value: `${i}` })), { idempotent: true })
    assert((await readAll(topic)).length === 1000, 'all, once')
  },
  async record() {
    const topic = `${name}.record`
    await make(topic, 1, { 'retention.ms': '-1' })
    await send(topic, [
      { key: 'null', value: null, headers: new Map([[Buffer.from('one'), Buffer.from('eins')]]), timestamp: AT },
      { key: 'empty', value: Buffer.alloc(0), timestamp: AT + 1n },
      { value: 'keyless', timestamp: AT + 2n }])
    await send(topic, [{ key: 'large', value: Buffer.alloc(1000000, 'x') }])
    const [none, empty, keyless, large] = await readAll(topic)
    const headers = [...none.headers].map(pair => pair.map(text).join('=')).join()
    assert(headers === 'one=eins' && none.timestamp === AT, `${headers} at ${none.timestamp}`)
    assert(text(none.value) === null || none.value.length === 0, 'null value')
    assert(empty.value.length === 0 && text(keyless.value) === 'keyless' && large.value.length === 1000000, 'values')
    await send(topic, [{ key: 'larger', value: Buffer.alloc(2000000, 'x') }]).then(
      () => assert(false, 'a record above the limit was taken'),
      error => assert(/MESSAGE_TOO_LARGE/.test(whole(error)), whole(error)))
  },
  async time() {
    const topic = `${name}.time`
    await make(topic, 1, { 'retention.ms': '-1' })
    await send(topic, Array.from({ length: 20 }, (_, i) => ({ value: `${i}`, timestamp: AT + BigInt(i) * 1000n })))
    const [{ partitions: [found] }] = await admin.listOffsets({ topics: [{ name: topic, partitions: [
      { partitionIndex: 0, timestamp: AT + 5500n }] }] })
    assert(found.offset === 6n && found.timestamp === AT + 6000n, `${found.offset} at ${found.timestamp}`)
    const consumer = new Consumer({ ...common, groupId: `${topic}.seek`, maxWaitTime: MAX_WAIT_MS })
    const stream = await consumer.consume({ topics: [topic], mode: 'manual', offsets: [{ topic, partition: 0, offset: found.offset }] })
    const seen = []
    stream.on('data', message => seen.push(message.offset))
    stream.on('error', error => { broken = error })
    await until('what follows that time', () => seen.at(-1) === 19n)
    assert(seen[0] === 6n && seen.length === 14, `${seen}`)
    await stream.close()
    await consumer.close(true)
  },
  async group() {
    const topic = `${name}.group`, groupId = `${name}.resumes`
    await make(topic, 1, {})
    await send(topic, Array.from({ length: 100 }, (_, i) => ({ value: `${i}` })))
    groups.push(groupId)
    for (const [first, next] of [[0n, 40n], [40n, 100n]]) {
      const seen = []
      const reader = await read(topic, groupId, seen)
      await until('the member reads', () => seen.at(-1)?.offset === 99n)
      assert(seen[0].offset === first, `began at ${seen[0].offset}, not at ${first}`)
      await reader.consumer.commit({ offsets: [{ topic, partition: 0, offset: next, leaderEpoch: 0 }] })
      await reader.stop()
    }
    const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
    assert(topics[0].partitions[0].committedOffset === 100n, `${topics[0].partitions[0].committedOffset}`)
  },
  async rebalance() {
    const topic = `${name}.shared`, groupId = `${name}.share`
    await make(topic, PARTITIONS, {})
    groups.push(groupId)
    const owned = member => member.consumer.assignments?.find(a => a.topic === topic)?.partitions.length ?? 0
    const seen = [[], []]
    const one = await read(topic, groupId, seen[0])
    await until('one has them all', () => owned(one) === PARTITIONS)
    const two = await read(topic, groupId, seen[1])
    await until('two share', () => owned(one) === 2 && owned(two) === 2)
    // The library takes what a fetch of before the rebalance is answered with, of partitions that are another's by now.
    await new Promise(done => setTimeout(done, 3 * MAX_WAIT_MS))
    await send(topic, Array.from({ length: 400 }, (_, i) => ({ value: `${i}`, partition: i % PARTITIONS })))
    await until('both have read', () => seen[0].length === 200 && seen[1].length === 200)
    const described = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
    assert(/stable/i.test(described.state) && described.members.size === 2, described.state)
    await two.stop()
    await until('the other takes over', () => owned(one) === PARTITIONS)
    await one.stop()
  },
  async admin() {
    const resourceName = `${name}.main`
    const setting = async named => (await admin.describeConfigs({ resources: [{ resourceType: TOPIC, resourceName }] }))[0]
      .configs.find(entry => entry.name === named).value
    assert(await setting('retention.ms') === '-1', 'as it was made')
    await admin.incrementalAlterConfigs({ resources: [{ resourceType: TOPIC, resourceName,
      configs: [{ name: 'segment.ms', configOperation: 0, value: '3600000' }] }] })
    assert(await setting('segment.ms') === '3600000' && await setting('retention.ms') === '-1', 'as it was altered')
    const listed = await admin.listGroups()
    assert(groups.every(group => listed.has(group)), `${[...listed.keys()]}`)
    await admin.deleteGroups({ groups })
    await admin.deleteRecords({ topics: [{ name: `${name}.time`, partitions: [{ partition: 0, offset: 5n }] }] })
    const [{ partitions: [start] }] = await admin.listOffsets({ topics: [{ name: `${name}.time`, partitions: [
      { partitionIndex: 0, timestamp: -2n }] }] })
    assert(start.offset === 5n, `${start.offset}`)
    await admin.deleteTopics({ topics: [`${name}.time`] })
    assert(!(await admin.listTopics()).includes(`${name}.time`), 'deleted')
  },
  async gaps() {
    const last = new Map((await readAll(`${name}.gaps`)).map(m => [text(m.key), text(m.value)]))
    assert(last.size === 500 && [...last.values()].every(value => value === '5'), `${last.size}`)
  },
  async keyed() {
    const topic = `${name}.keyed`
    await make(topic, PARTITIONS, { 'cleanup.policy': 'compact' })
    await send(topic, Array.from({ length: 40 }, (_, i) => ({ key: `key-${i}`, value: `value-${i}` })))
    await send(topic, [3, 13, 23, 33].map(i => ({ key: `key-${i}`, value: null })))
  },
  async transactions() {
    const begun = Date.now()
    const producer = new Producer({ ...common, transactionalId: `${name}.t`, idempotent: true })
    const refusal = await producer.beginTransaction().then(() => null, error => error)
    await producer.close(true).catch(() => {})
    assert(refusal, 'a transaction was begun')
    assert(Date.now() - begun < 5000, `refused after ${Date.now() - begun} ms: ${whole(refusal)}`)
    return whole(refusal)
  },
}

async function check() {
  for (const [what, run] of Object.entries(checks)) {
    const said = await run().catch(error => { throw new Error(`${what}: ${error.stack}\n${whole(error)}`) })
    console.log(`ok ${what} ${said ?? ''}`.trimEnd())
  }
}

async function write() {
  await send(name, Array.from({ length: Number(count) }, (_, i) => ({
    key: `key-${i % 2500}`, value: i % 7 === 3 ? null : `value-${i}`, timestamp: AT + BigInt(i),
    headers: new Map([[Buffer.from('n'), Buffer.from(`${i}`)], [Buffer.from('empty'), Buffer.alloc(0)]]) })), { compression: 'gzip' })
}

async function readVerb() {
  const lines = (await readAll(name)).map(m => [m.partition, m.offset, text(m.key), text(m.value) ?? '\\N',
    [...m.headers].map(pair => pair.map(text).join('=')).join(','), m.timestamp].join('\t'))
  process.stdout.write(lines.join('\n') + '\n')
}

try {
  await { check, write, read: readVerb }[verb]()
  await admin.close()
} catch (error) {
  console.error(error.stack)
  process.exitCode = 1
}
setTimeout(() => process.exit(), 1000).unref()
