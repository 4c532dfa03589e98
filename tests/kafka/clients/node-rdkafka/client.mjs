// node-rdkafka, so librdkafka under Node: what README.md beside this folder lists.
import Kafka from 'node-rdkafka'

const [bootstrap, verb, name, count] = process.argv.slice(2)
const common = { 'metadata.broker.list': bootstrap, 'client.id': 'node-rdkafka' }
const admin = Kafka.AdminClient.create(common)
const PARTITIONS = 4
const AT = 1700000000000

function assert(holds, what) {
  if (!holds) throw new Error(what)
}

async function until(what, happened, milliseconds = 30000) {
  const end = Date.now() + milliseconds
  while (!happened()) {
    assert(Date.now() < end, `not in time: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

// A call that ends in a callback, as a promise.
const call = (client, method, ...rest) => new Promise((resolve, reject) =>
  client[method](...rest, (error, value) => (error ? reject(error) : resolve(value))))

async function make(topic, partitions, config = {}) {
  await call(admin, 'createTopic', { topic, num_partitions: partitions, replication_factor: 1, config }, 20000)
}

const bytes = text => (typeof text === 'string' ? Buffer.from(text) : text)
const text = buffer => (buffer === null || buffer === undefined ? null : buffer.toString())

async function send(topic, messages, options = {}) {
  const producer = new Kafka.Producer({ ...common, dr_cb: true, 'linger.ms': 0, 'message.max.bytes': 4 << 20, ...options })
  let failure = null
  let delivered = 0
  producer.on('delivery-report', error => { delivered += 1; failure ??= error })
  await call(producer, 'connect', {})
  producer.setPollInterval(10)
  try {
    for (const { partition, value, key, timestamp, headers } of messages)
      producer.produce(topic, partition ?? null, bytes(value), bytes(key), timestamp, null, headers)
    await call(producer, 'flush', 30000)
    await until('what was sent is reported on', () => delivered === messages.length)
  } finally {
    await call(producer, 'disconnect')
  }
  if (failure) throw failure
}

async function consumer(options = {}) {
  const made = new Kafka.KafkaConsumer({ ...common, 'group.id': `${name}.none`, 'enable.auto.commit': false,
    'fetch.wait.max.ms': 100, ...options }, { 'auto.offset.reset': 'earliest' })
  await call(made, 'connect', {})
  made.setDefaultConsumeTimeout(100)
  return made
}

const more = reader => call(reader, 'consume', 1000)
const partitionsOf = async (reader, topic) =>
  (await call(reader, 'getMetadata', { topic, timeout: 10000 })).topics.find(t => t.name === topic).partitions.map(p => p.id)

// Without a group, each partition to the end that it has now.
async function readAll(topic) {
  const reader = await consumer()
  const ends = new Map()
  for (const partition of await partitionsOf(reader, topic))
    ends.set(partition, (await call(reader, 'queryWatermarkOffsets', topic, partition, 10000)).highOffset)
  reader.assign([...ends.keys()].map(partition => ({ topic, partition, offset: 0 })))
  const read = []
  const behind = () => [...ends].filter(([partition, end]) => end > 0 &&
    !read.some(m => m.partition === partition && m.offset >= end - 1))
  const limit = Date.now() + 60000
  while (behind().length > 0) {
    assert(Date.now() < limit, `the end of ${topic} was not reached in ${behind()}`)
    read.push(...await more(reader))
  }
  await call(reader, 'disconnect')
  return read
}

class Member {
  constructor(reader, assignor) {
    this.reader = reader
    this.seen = 0
    this.stopping = false
    reader.subscribe([`${name}.shared.${assignor}`])
    this.running = this.run()
  }

  static async begin(assignor) {
    return new Member(await consumer({ 'group.id': `${name}.share.${assignor}`, 'heartbeat.interval.ms': 300,
      'partition.assignment.strategy': assignor }), assignor)
  }

  owned() {
    return this.reader.assignments().length
  }

  async run() {
    while (!this.stopping) this.seen += (await more(this.reader)).length
    // A cooperative member that is only closed does not leave its group (librdkafka 2.12).
    this.reader.unsubscribe()
    while (this.owned() > 0) await more(this.reader)
    await call(this.reader, 'disconnect')
  }

  async stop() {
    this.stopping = true
    await this.running
  }
}

const checks = {
  async topic() {
    await make(`${name}.main`, PARTITIONS, { 'retention.ms': '-1', 'cleanup.policy': 'delete' })
    const reader = await consumer()
    assert((await partitionsOf(reader, `${name}.main`)).length === PARTITIONS, 'partitions')
    await call(reader, 'disconnect')
    await make(`${name}.main`, PARTITIONS).then(() => assert(false, 'made twice'),
      error => assert(error.code === Kafka.CODES.ERRORS.ERR_TOPIC_ALREADY_EXISTS, error.message))
  },
  async codecs() {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].filter(
      codec => codec === 'none' || codec === 'lz4' || Kafka.features.includes(codec))
    for (const codec of codecs)
      await send(`${name}.main`, Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: `${codec} `.repeat(50) })),
        { 'compression.type': codec })
    const read = await readAll(`${name}.main`)
    for (const codec of codecs) assert(read.filter(m => text(m.value).startsWith(codec)).length === 100, codec)
    return codecs.join(' ')
  },
  async idempotent() {
    await make(`${name}.idempotent`, PARTITIONS)
    await send(`${name}.idempotent`, Array.from({ length: 1000 }, (_, i) => ({ key: `k${i}`, value: 'v' })),
      { 'enable.idempotence': true })
    assert((await readAll(`${name}.idempotent`)).length === 1000, 'all, once')
  },
  async record() {
    const topic = `${name}.record`
    await make(topic, 1, { 'retention.ms': '-1' })
    await send(topic, [
      { key: 'null', value: null, headers: [{ one: 'eins' }, { none: '' }], timestamp: AT },
      { key: 'empty', value: Buffer.alloc(0), timestamp: AT + 1 },
      { key: null, value: 'keyless', timestamp: AT + 2 },
      { key: 'large', value: Buffer.alloc(1000000, 'x') }])
    const [none, empty, keyless, large] = await readAll(topic)
    assert(none.value === null && none.timestamp === AT, 'null value')
    assert(text(none.headers[0].one) === 'eins' && text(none.headers[1].none) === '', JSON.stringify(none.headers))
    // This client reads an empty value as one, and writes it as null.
    assert(empty.value === null || empty.value.length === 0, 'empty value')
    assert(text(keyless.key) === null && large.value.length === 1000000, 'keyless, large')
    await send(topic, [{ key: 'larger', value: Buffer.alloc(2000000, 'x') }]).then(
      () => assert(false, 'a record above the limit was taken'),
      error => assert(/size too large/.test(error.message), `${error.code}: ${error.message}`))
  },
  async time() {
    const topic = `${name}.time`
    await make(topic, 1, { 'retention.ms': '-1' })
    await send(topic, Array.from({ length: 20 }, (_, i) => ({ value: `${i}`, timestamp: AT + i * 1000 })))
    const reader = await consumer()
    const [found] = await call(reader, 'offsetsForTimes', [{ topic, partition: 0, offset: AT + 5500 }], 20000)
    assert(found.offset === 6, `${found.offset}`)
    reader.assign([{ topic, partition: 0, offset: found.offset }])
    const seen = []
    while (seen.at(-1) !== 19) seen.push(...(await more(reader)).map(m => m.offset))
    assert(seen[0] === 6 && seen.length === 14, `${seen}`)
    await call(reader, 'disconnect')
  },
  async group() {
    const topic = `${name}.group`
    await make(topic, 1)
    await send(topic, Array.from({ length: 100 }, (_, i) => ({ value: `${i}` })))
    for (const [first, next] of [[0, 40], [40, 100]]) {
      const reader = await consumer({ 'group.id': `${name}.resumes` })
      reader.subscribe([topic])
      const seen = []
      const end = Date.now() + 30000
      while (seen.at(-1) !== 99) {
        assert(Date.now() < end, `not in time: the member reads, ${seen.at(-1)}`)
        seen.push(...(await more(reader)).map(m => m.offset))
      }
      assert(seen[0] === first, `began at ${seen[0]}, not at ${first}`)
      reader.commitSync({ topic, partition: 0, offset: next, metadata: 'a note' })
      const [committed] = await call(reader, 'committed', [{ topic, partition: 0 }], 20000)
      assert(committed.offset === next, JSON.stringify(committed))
      await call(reader, 'disconnect')
    }
  },
  async rebalance() {
    for (const assignor of ['range', 'cooperative-sticky']) {
      const topic = `${name}.shared.${assignor}`
      await make(topic, PARTITIONS)
      const members = [await Member.begin(assignor)]
      await until('one has them all', () => members[0].owned() === PARTITIONS)
      members.push(await Member.begin(assignor))
      await until('two share', () => members.every(member => member.owned() === 2))
      await send(topic, Array.from({ length: 400 }, (_, i) => ({ value: `${i}`, partition: i % PARTITIONS })))
      await until('both have read', () => members.every(member => member.seen === 200))
      await members[1].stop()
      await until('the other takes over', () => members[0].owned() === PARTITIONS)
      await members[0].stop()
    }
    return 'range, cooperative-sticky'
  },
  async admin() {
    const topic = `${name}.time`
    await call(admin, 'createPartitions', topic, 3, 20000)
    const reader = await consumer()
    assert((await partitionsOf(reader, topic)).length === 3, 'partitions are added')
    await call(admin, 'deleteTopic', topic, 20000)
    const { topics } = await call(reader, 'getMetadata', { timeout: 10000 })
    assert(!topics.some(t => t.name === topic), 'deleted')
    await call(reader, 'disconnect')
    return 'partitions are added, a topic is deleted; the client administers nothing else'
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
    const producer = new Kafka.Producer({ ...common, 'transactional.id': `${name}.t` })
    await call(producer, 'connect', {})
    const refusal = await call(producer, 'initTransactions', 20000).then(() => null, error => error)
    await call(producer, 'disconnect')
    assert(refusal, 'transactions were begun')
    assert(Date.now() - begun < 5000, `refused after ${Date.now() - begun} ms: ${refusal.message}`)
    return refusal.message
  },
}

async function check() {
  console.log('librdkafka', Kafka.librdkafkaVersion)
  for (const [what, run] of Object.entries(checks)) {
    const said = await run().catch(error => { throw new Error(`${what}: ${error.stack ?? error.message}`) })
    console.log(`ok ${what} ${said ?? ''}`.trimEnd())
  }
}

async function write() {
  await send(name, Array.from({ length: Number(count) }, (_, i) => ({
    key: `key-${i % 2500}`, value: i % 7 === 3 ? null : `value-${i}`, timestamp: AT + i,
    headers: [{ n: `${i}` }, { empty: '' }] })), { 'compression.type': 'snappy', 'enable.idempotence': true })
}

async function read() {
  const lines = (await readAll(name)).map(m => [m.partition, m.offset, text(m.key), text(m.value) ?? '\\N',
    m.headers.map(header => Object.entries(header).map(pair => pair.map(text).join('='))).join(','), m.timestamp].join('\t'))
  process.stdout.write(lines.join('\n') + '\n')
}

try {
  await { check, write, read }[verb]()
  admin.disconnect()
} catch (error) {
  console.error(error.stack ?? error.message)
  process.exitCode = 1
}
setTimeout(() => process.exit(), 1000).unref()
