// kafkajs: what README.md beside this folder lists.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes, logLevel, AssignerProtocol } = require('kafkajs')
const lz4 = require('lz4js')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(lz4.decompress(buffer)),
})

const [bootstrap, verb, name, count] = process.argv.slice(2)
const kafka = new Kafka({ brokers: [bootstrap], clientId: 'kafkajs', logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const PARTITIONS = 4
const AT = 1700000000000
const groups = []

function assert(holds, what) {
  if (!holds) throw new Error(what)
}

async function until(what, happened, milliseconds = 30000) {
  const end = Date.now() + milliseconds
  while (!(await happened())) {
    assert(Date.now() < end, `not in time: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function make(topic, partitions, settings) {
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor: 1,
      configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })) }],
  })
}

async function send(topic, messages, producing = {}, sending = {}) {
  const producer = kafka.producer(producing)
  await producer.connect()
  const answers = []
  for (let i = 0; i < messages.length; i += 500)
    answers.push(...await producer.send({ topic, messages: messages.slice(i, i + 500), ...sending }))
  await producer.disconnect()
  return answers
}

// The library reads in groups only. Reads what each partition holds now, to its end.
async function readAll(topic, groupId = `${topic}.all.${groups.length}`, options = {}) {
  groups.push(groupId)
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(p => [p.partition, Number(p.high)]))
  const behind = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition))
  const read = []
  const consumer = kafka.consumer({ groupId, maxBytesPerPartition: 4 << 20, maxWaitTimeInMs: 200, ...options })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ partition, message }) => {
    read.push({ partition, ...message })
    if (Number(message.offset) >= ends.get(partition) - 1) behind.delete(partition)
  } })
  await until(`the end of ${topic}, still to come ${[...behind]}`, () => behind.size === 0)
  await consumer.disconnect()
  return read
}

const text = buffer => (buffer === null ? null : buffer.toString())

const checks = {
  async topic() {
    await make(`${name}.main`, PARTITIONS, { 'retention.ms': '-1', 'cleanup.policy': 'delete' })
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${name}.main`] })
    assert(topics[0].partitions.length === PARTITIONS, 'partitions')
    await admin.createTopics({ topics: [{ topic: `${name}.main` }] }).then(
      made => assert(!made, 'made twice'), error => assert(/already exists/.test(error.message), error.message))
  },
  async codecs() {
    const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3 }
    for (const [codec, compression] of Object.entries(codecs))
      await send(`${name}.main`, Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: `${codec} `.repeat(50) + i })),
        {}, { compression })
    const read = await readAll(`${name}.main`)
    for (const codec of Object.keys(codecs))
      assert(read.filter(m => text(m.value).startsWith(codec)).length === 100, codec)
    return 'none gzip snappy lz4'
  },
  async idempotent() {
    const topic = `${name}.idempotent`
    await make(topic, PARTITIONS, {})
    await send(topic, Array.from({ length: 1000 }, (_, i) => ({ key: `k${i}`, value: `${i}` })),
      { idempotent: true, maxInFlightRequests: 5 }, { acks: -1 })
    assert((await readAll(topic)).length === 1000, 'all, once')
  },
  async record() {
    const topic = `${name}.record`
    await make(topic, 1, { 'retention.ms': '-1' })
    await send(topic, [
      { key: 'null', value: null, headers: { one: 'eins', none: '' }, timestamp: String(AT) },
      { key: 'empty', value: '', timestamp: String(AT + 1) },
      { key: null, value: 'keyless', timestamp: String(AT + 2) }])
    await send(topic, [{ key: 'large', value: Buffer.alloc(1000000, 'x') }])
    const [none, empty, keyless, large] = await readAll(topic)
    assert(none.value === null && text(none.headers.one) === 'eins' && text(none.headers.none) === '', 'headers')
    assert(none.timestamp === String(AT) && empty.value !== null && empty.value.length === 0, 'empty value')
    assert(keyless.key === null && large.value.length === 1000000, 'keyless, large')
    await send(topic, [{ key: 'larger', value: Buffer.alloc(2000000, 'x') }]).then(
      () => assert(false, 'a record above the limit was taken'), error => assert(/larger/.test(error.message), error.message))
  },
  async time() {
    const topic = `${name}.time`
    await make(topic, 1, { 'retention.ms': '-1' })
    await send(topic, Array.from({ length: 20 }, (_, i) => ({ value: `${i}`, timestamp: String(AT + i * 1000) })))
    assert((await admin.fetchTopicOffsetsByTimestamp(topic, AT + 5500))[0].offset === '6', 'by time')
    const seen = []
    const consumer = kafka.consumer({ groupId: `${topic}.seek`, maxWaitTimeInMs: 200 })
    groups.push(`${topic}.seek`)
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => { seen.push(message.offset) } })
    consumer.seek({ topic, partition: 0, offset: '6' })
    await until('what follows that time', () => seen.at(-1) === '19')
    assert(seen.length === 14 && seen[0] === '6', `${seen}`)
    await consumer.disconnect()
  },
  async group() {
    const topic = `${name}.group`, groupId = `${name}.resumes`
    await make(topic, 1, {})
    await send(topic, Array.from({ length: 100 }, (_, i) => ({ value: `${i}` })))
    groups.push(groupId)
    for (const [first, last] of [[0, 39], [40, 99]]) {
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 })
      const seen = []
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => { seen.push(Number(message.offset)) } })
      await until('the member reads', () => seen.at(-1) === 99)
      assert(seen[0] === first, `began at ${seen[0]}, not at ${first}`)
      await consumer.commitOffsets([{ topic, partition: 0, offset: String(last + 1), metadata: 'a note' }])
      await consumer.disconnect()
    }
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
    assert(partitions[0].offset === '100' && partitions[0].metadata === 'a note', JSON.stringify(partitions))
  },
  async rebalance() {
    const topic = `${name}.shared`, groupId = `${name}.share`
    await make(topic, PARTITIONS, {})
    groups.push(groupId)
    const owned = [[], []], seen = [0, 0]
    const members = [0, 1].map(i => {
      const member = kafka.consumer({ groupId, heartbeatInterval: 300, maxWaitTimeInMs: 200 })
      member.on(member.events.GROUP_JOIN, ({ payload }) => { owned[i] = payload.memberAssignment[topic] ?? [] })
      return member
    })
    const begin = async i => {
      await members[i].connect()
      await members[i].subscribe({ topic, fromBeginning: true })
      await members[i].run({ eachMessage: async () => { seen[i] += 1 } })
    }
    await begin(0)
    await until('one has them all', () => owned[0].length === PARTITIONS)
    await begin(1)
    await until('two share', () => owned[0].length === 2 && owned[1].length === 2)
    await send(topic, Array.from({ length: 400 }, (_, i) => ({ value: `${i}`, partition: i % PARTITIONS })))
    await until('both have read', () => seen[0] === 200 && seen[1] === 200)
    const described = (await admin.describeGroups([groupId])).groups[0]
    assert(described.state === 'Stable' && described.members.length === 2, described.state)
    const assignment = AssignerProtocol.MemberAssignment.decode(described.members[0].memberAssignment).assignment
    assert(assignment[topic].length === 2, 'the assignment as described')
    await members[1].disconnect()
    await until('the other takes over', () => owned[0].length === PARTITIONS)
    await members[0].disconnect()
  },
  async admin() {
    const resource = { type: ConfigResourceTypes.TOPIC, name: `${name}.main` }
    const setting = async named => (await admin.describeConfigs({ resources: [resource] })).resources[0].configEntries
      .find(entry => entry.configName === named).configValue
    assert(await setting('retention.ms') === '-1', 'as it was made')
    await admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'segment.ms', value: '3600000' },
      { name: 'retention.ms', value: '-1' }] }] })
    assert(await setting('segment.ms') === '3600000', 'as it was altered')
    const listed = (await admin.listGroups()).groups.map(group => group.groupId)
    assert(groups.every(group => listed.includes(group)), `${listed}`)
    await admin.deleteGroups(groups)
    await admin.deleteTopicRecords({ topic: `${name}.time`, partitions: [{ partition: 0, offset: '5' }] })
    assert((await admin.fetchTopicOffsets(`${name}.time`))[0].low === '5', 'records deleted')
    assert((await admin.describeCluster()).brokers.length === 1, 'one broker')
    await admin.deleteTopics({ topics: [`${name}.time`] })
    assert(!(await admin.listTopics()).includes(`${name}.time`), 'deleted')
  },
  async gaps() {
    const last = new Map((await readAll(`${name}.gaps`)).map(m => [text(m.key), text(m.value)]))
    assert(last.size === 500 && [...last.values()].every(value => value === '5'), 'the last of each key')
  },
  async keyed() {
    const topic = `${name}.keyed`
    await make(topic, PARTITIONS, { 'cleanup.policy': 'compact' })
    await send(topic, Array.from({ length: 40 }, (_, i) => ({ key: `key-${i}`, value: `value-${i}` })))
    await send(topic, [3, 13, 23, 33].map(i => ({ key: `key-${i}`, value: null })))
  },
  async transactions() {
    const begun = Date.now()
    const producer = kafka.producer({ transactionalId: `${name}.t`, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const refusal = await producer.transaction().then(() => null, error => error)
    await producer.disconnect()
    assert(refusal, 'a transaction was begun')
    assert(Date.now() - begun < 5000, `refused after ${Date.now() - begun} ms: ${refusal}`)
    return refusal.message
  },
}

async function check() {
  for (const [what, run] of Object.entries(checks)) {
    const said = await run().catch(error => { throw new Error(`${what}: ${error.stack}`) })
    console.log(`ok ${what} ${said ?? ''}`.trimEnd())
  }
}

async function write() {
  await send(name, Array.from({ length: Number(count) }, (_, i) => ({
    key: `key-${i % 2500}`, value: i % 7 === 3 ? null : `value-${i}`, headers: { n: `${i}`, empty: '' },
    timestamp: String(AT + i) })), { idempotent: true, maxInFlightRequests: 1 }, { compression: CompressionTypes.GZIP })
}

async function read() {
  const lines = (await readAll(name)).map(m => [m.partition, m.offset, text(m.key), text(m.value) ?? '\\N',
    Object.entries(m.headers).map(([key, value]) => `${key}=${text(value)}`).join(','), m.timestamp].join('\t'))
  process.stdout.write(lines.join('\n') + '\n')
}

try {
  await admin.connect()
  await { check, write, read }[verb]()
  await admin.disconnect()
} catch (error) {
  console.error(error.stack)
  process.exitCode = 1
}
setTimeout(() => process.exit(), 1000).unref()
