// Java's client: what README.md beside this folder lists. Written for 3.9 and 4.
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Client {
  static final int PARTITIONS = 4;
  static final long AT = 1_700_000_000_000L;
  static String bootstrap, name;
  static Admin admin;

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(String.valueOf(what));
  }

  static void until(String what, Supplier<Boolean> happened) throws InterruptedException {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!happened.get()) {
      check(System.nanoTime() < end, "not in time: " + what);
      Thread.sleep(20);
    }
  }

  static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  static Properties config(String... pairs) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    for (int i = 0; i < pairs.length; i += 2) config.put(pairs[i], pairs[i + 1]);
    return config;
  }

  static void make(String topic, int partitions, Map<String, String> settings) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(settings))).all().get();
  }

  static ProducerRecord<byte[], byte[]> row(Integer partition, Long time, String key, String value) {
    return new ProducerRecord<>("", partition, time, bytes(key), bytes(value));
  }

  static void send(String topic, List<ProducerRecord<byte[], byte[]>> records, String... pairs) throws Exception {
    Properties config = config(pairs);
    config.putIfAbsent("max.request.size", "4194304");
    try (var writer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (var r : records)
        sent.add(writer.send(new ProducerRecord<>(topic, r.partition(), r.timestamp(), r.key(), r.value(), r.headers())));
      for (var one : sent) one.get();
    }
  }

  static KafkaConsumer<byte[], byte[]> consumer(String... pairs) {
    Properties config = config(pairs);
    config.putIfAbsent("auto.offset.reset", "earliest");
    config.putIfAbsent("enable.auto.commit", "false");
    config.put("fetch.max.wait.ms", "100");
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  // Without a group, each partition to the end it has now.
  static List<ConsumerRecord<byte[], byte[]>> readAll(String topic) throws Exception {
    List<ConsumerRecord<byte[], byte[]>> read = new ArrayList<>();
    try (var reader = consumer()) {
      List<TopicPartition> places = reader.partitionsFor(topic).stream()
          .map(p -> new TopicPartition(topic, p.partition())).collect(Collectors.toList());
      reader.assign(places);
      var ends = reader.endOffsets(places);
      long last = System.nanoTime() + 30_000_000_000L;
      while (places.stream().anyMatch(p -> reader.position(p) < ends.get(p))) {
        check(System.nanoTime() < last, "the end of " + topic + " was not reached");
        reader.poll(Duration.ofMillis(100)).forEach(read::add);
      }
    }
    return read;
  }

  static String topic() throws Exception {
    make(name + ".main", PARTITIONS, Map.of("retention.ms", "-1", "cleanup.policy", "delete"));
    var described = admin.describeTopics(List.of(name + ".main")).allTopicNames().get().get(name + ".main");
    check(described.partitions().size() == PARTITIONS, described);
    try {
      make(name + ".main", PARTITIONS, Map.of());
      check(false, "made twice");
    } catch (ExecutionException refused) {
      check(refused.getCause() instanceof TopicExistsException, refused);
    }
    return "";
  }

  static String codecs() throws Exception {
    String[] known = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (String codec : known) {
      List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
      for (int i = 0; i < 100; ++i) records.add(row(null, null, "k" + i, (codec + " ").repeat(50)));
      send(name + ".main", records, "compression.type", codec, "linger.ms", "20");
    }
    var read = readAll(name + ".main");
    for (String codec : known)
      check(read.stream().filter(r -> text(r.value()).startsWith(codec)).count() == 100, codec);
    return String.join(" ", known);
  }

  static String idempotent() throws Exception {
    make(name + ".idempotent", PARTITIONS, Map.of());
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < 1000; ++i) records.add(row(null, null, "k" + i, "v"));
    send(name + ".idempotent", records, "enable.idempotence", "true", "batch.size", "200");
    check(readAll(name + ".idempotent").size() == 1000, "all, once");
    return "by default";
  }

  static String record() throws Exception {
    String topic = name + ".record";
    make(topic, 1, Map.of("retention.ms", "-1"));
    var first = row(0, AT, "null", null);
    first.headers().add("one", bytes("eins")).add("null", null).add("one", bytes("uno"));
    send(topic, List.of(first, row(0, AT + 1, "empty", ""), row(0, AT + 2, null, "keyless"),
        row(0, null, "large", "x".repeat(1_000_000))));
    var read = readAll(topic);
    Header[] headers = read.get(0).headers().toArray();
    check(read.get(0).value() == null && headers.length == 3 && headers[1].value() == null
        && text(headers[2].value()).equals("uno") && read.get(0).timestamp() == AT, read.get(0));
    check(read.get(1).value().length == 0 && read.get(2).key() == null && read.get(3).value().length == 1_000_000, "values");
    try {
      send(topic, List.of(row(0, null, "larger", "x".repeat(2_000_000))));
      check(false, "a record above the limit was taken");
    } catch (ExecutionException refused) {
      check(refused.getCause() instanceof RecordTooLargeException, refused);
    }
    return "";
  }

  static String time() throws Exception {
    String topic = name + ".time";
    var place = new TopicPartition(topic, 0);
    make(topic, 1, Map.of("retention.ms", "-1"));
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < 20; ++i) records.add(row(0, AT + i * 1000, null, "" + i));
    send(topic, records);
    try (var reader = consumer()) {
      reader.assign(List.of(place));
      var found = reader.offsetsForTimes(Map.of(place, AT + 5500)).get(place);
      check(found.offset() == 6 && found.timestamp() == AT + 6000, found);
      reader.seek(place, found.offset());
      List<Long> seen = new ArrayList<>();
      until("what follows that time", () -> {
        reader.poll(Duration.ofMillis(100)).forEach(r -> seen.add(r.offset()));
        return seen.size() == 14;
      });
      check(seen.get(0) == 6, seen);
      check(reader.offsetsForTimes(Map.of(place, AT + 20_000)).get(place) == null, "after the last");
    }
    var newest = admin.listOffsets(Map.of(place, OffsetSpec.maxTimestamp())).partitionResult(place).get();
    check(newest.offset() == 19 && newest.timestamp() == AT + 19_000, newest);
    return "";
  }

  static String group() throws Exception {
    String topic = name + ".group", group = name + ".resumes";
    var place = new TopicPartition(topic, 0);
    make(topic, 1, Map.of());
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < 100; ++i) records.add(row(0, null, null, "" + i));
    send(topic, records);
    // The newer protocol's group goes on where the classic one has stopped, and takes its place.
    for (int first : new int[] {0, 40, 60}) {
      try (var reader = consumer("group.id", group, "group.protocol", first == 0 ? "classic" : "consumer")) {
        reader.subscribe(List.of(topic));
        List<Long> seen = new ArrayList<>();
        until("the member reads", () -> {
          reader.poll(Duration.ofMillis(100)).forEach(r -> seen.add(r.offset()));
          return seen.size() == 100 - first;
        });
        check(seen.get(0) == first, "began at " + seen.get(0));
        reader.commitSync(Map.of(place, new OffsetAndMetadata(first == 0 ? 40 : first == 40 ? 60 : 100, "a note")));
      }
    }
    var committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(place);
    check(committed.offset() == 100 && committed.metadata().equals("a note"), committed);
    return "";
  }

  static class Member extends Thread implements ConsumerRebalanceListener {
    final KafkaConsumer<byte[], byte[]> reader;
    final String topic;
    final Set<TopicPartition> owned = Collections.synchronizedSet(new HashSet<>());
    volatile int seen = 0;
    volatile boolean stopping = false;

    Member(String topic, String group, String assignor) {
      this.topic = topic;
      reader = assignor == null
          ? consumer("group.id", group, "group.protocol", "consumer", "group.remote.assignor", "range")
          : consumer("group.id", group, "heartbeat.interval.ms", "300", "partition.assignment.strategy", assignor);
      start();
    }

    @Override public void onPartitionsAssigned(Collection<TopicPartition> more) { owned.addAll(more); }

    @Override public void onPartitionsRevoked(Collection<TopicPartition> gone) { owned.removeAll(gone); }

    @Override public void run() {
      reader.subscribe(List.of(topic), this);
      while (!stopping) seen += reader.poll(Duration.ofMillis(100)).count();
      reader.close();
    }

    void end() throws InterruptedException {
      stopping = true;
      join();
    }
  }

  static String rebalance() throws Exception {
    for (String assignor : new String[] {"Range", "CooperativeSticky", "ByTheBroker"}) {
      String topic = name + ".shared." + assignor, group = name + ".share." + assignor;
      make(topic, PARTITIONS, Map.of());
      String named =
          assignor.equals("ByTheBroker") ? null : "org.apache.kafka.clients.consumer." + assignor + "Assignor";
      Member one = new Member(topic, group, named);
      until("one has them all", () -> one.owned.size() == PARTITIONS);
      Member two = new Member(topic, group, named);
      until("two share", () -> one.owned.size() == 2 && two.owned.size() == 2);
      List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
      for (int i = 0; i < 400; ++i) records.add(row(i % PARTITIONS, null, null, "" + i));
      send(topic, records);
      until("both have read", () -> one.seen == 200 && two.seen == 200);
      ConsumerGroupDescription described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
      check(described.members().size() == 2 && described.toString().contains("Stable"), described);
      two.end();
      until("the other takes over", () -> one.owned.size() == PARTITIONS);
      one.end();
    }
    return "range, cooperative-sticky, group.protocol=consumer";
  }

  static String setting(String named) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, name + ".main");
    return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(named).value();
  }

  static String administer() throws Exception {
    check(setting("retention.ms").equals("-1"), "as it was made");
    admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, name + ".main"),
        List.of(new AlterConfigOp(new ConfigEntry("segment.ms", "3600000"), AlterConfigOp.OpType.SET)))).all().get();
    check(setting("segment.ms").equals("3600000") && setting("retention.ms").equals("-1"), "as it was altered");
    String listed = admin.listConsumerGroups().all().get().toString();
    List<String> groups = List.of(name + ".resumes", name + ".share.Range");
    for (String group : groups) check(listed.contains(group), listed);
    admin.deleteConsumerGroups(groups).all().get();
    var place = new TopicPartition(name + ".time", 0);
    admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(5))).all().get();
    check(admin.listOffsets(Map.of(place, OffsetSpec.earliest())).partitionResult(place).get().offset() == 5, "the start");
    check(admin.describeCluster().nodes().get().size() == 1, "one broker");
    check(admin.describeLogDirs(List.of(0)).allDescriptions().get().get(0).size() == 1, "one folder");
    admin.deleteTopics(List.of(name + ".time")).all().get();
    check(!admin.listTopics().names().get().contains(name + ".time"), "deleted");
    return "";
  }

  static String gaps() throws Exception {
    Map<String, String> last = new HashMap<>();
    for (var r : readAll(name + ".gaps")) last.put(text(r.key()), text(r.value()));
    check(last.size() == 500 && Set.copyOf(last.values()).equals(Set.of("5")), last.size());
    return "";
  }

  static String keyed() throws Exception {
    make(name + ".keyed", PARTITIONS, Map.of("cleanup.policy", "compact"));
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < 40; ++i) records.add(row(null, null, "key-" + i, "value-" + i));
    for (int i = 3; i < 40; i += 10) records.add(row(null, null, "key-" + i, null));
    send(name + ".keyed", records);
    return "murmur2";
  }

  static String transactions() throws Exception {
    long begun = System.nanoTime();
    try (var writer = new KafkaProducer<>(config("transactional.id", name + ".t"), new ByteArraySerializer(),
        new ByteArraySerializer())) {
      writer.initTransactions();
      throw new AssertionError("transactions were begun");
    } catch (RuntimeException refused) {
      check(System.nanoTime() - begun < 5_000_000_000L, "refused late: " + refused);
      return refused.toString();
    }
  }

  static void checkAll() throws Exception {
    Map<String, Callable<String>> checks = new java.util.LinkedHashMap<>();
    checks.put("topic", Client::topic);
    checks.put("codecs", Client::codecs);
    checks.put("idempotent", Client::idempotent);
    checks.put("record", Client::record);
    checks.put("time", Client::time);
    checks.put("group", Client::group);
    checks.put("rebalance", Client::rebalance);
    checks.put("admin", Client::administer);
    checks.put("gaps", Client::gaps);
    checks.put("keyed", Client::keyed);
    checks.put("transactions", Client::transactions);
    for (var one : checks.entrySet())
      System.out.println(("ok " + one.getKey() + " " + one.getValue().call()).trim());
  }

  static void write(int count) throws Exception {
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < count; ++i) {
      var r = row(null, AT + i, "key-" + i % 2500, i % 7 == 3 ? null : "value-" + i);
      r.headers().add("n", bytes("" + i)).add("empty", new byte[0]);
      records.add(r);
    }
    send(name, records, "compression.type", "lz4", "linger.ms", "20");
  }

  static void read() throws Exception {
    StringBuilder out = new StringBuilder();
    for (var r : readAll(name)) {
      List<String> headers = new ArrayList<>();
      for (Header h : r.headers()) headers.add(h.key() + "=" + text(h.value()));
      out.append(r.partition()).append('\t').append(r.offset()).append('\t').append(text(r.key())).append('\t')
          .append(r.value() == null ? "\\N" : text(r.value())).append('\t').append(String.join(",", headers)).append('\t')
          .append(r.timestamp()).append('\n');
    }
    System.out.print(out);
  }

  public static void main(String[] args) {
    bootstrap = args[0];
    name = args[2];
    try {
      admin = Admin.create(config());
      if (args[1].equals("check")) checkAll();
      if (args[1].equals("write")) write(Integer.parseInt(args[3]));
      if (args[1].equals("read")) read();
      admin.close();
    } catch (Throwable failed) {
      failed.printStackTrace();
      System.exit(1);
    }
  }
}
