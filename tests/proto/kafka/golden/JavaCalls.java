// What Kafka's own Java clients can be made to ask, for capture.py: java -cp 'LIBS/*' JavaCalls.java PORT NAME
// NAME tells the runs apart: topic plum-NAME, group group-NAME. Where the versions on offer lack something, the call
// that wants it fails, says so, and the others go on.
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

public class JavaCalls {
  interface Call {
    Object run() throws Exception;
  }

  static void call(String what, Call call) {
    try {
      call.run();
      System.out.println("done    " + what);
    } catch (Exception e) {
      System.out.println("refused " + what + ": " + e.getMessage());
    }
  }

  public static void main(String[] args) throws Exception {
    String topic = "plum-" + args[1];
    String group = "group-" + args[1];
    TopicPartition first = new TopicPartition(topic, 0);
    TopicPartition second = new TopicPartition(topic, 1);
    Properties common = new Properties();
    common.put("bootstrap.servers", "127.0.0.1:" + args[0]);
    common.put("client.id", "java");
    common.put("enable.metrics.push", "false");
    for (String timeout : List.of("request.timeout.ms", "max.block.ms")) common.put(timeout, "8000");
    for (String timeout : List.of("default.api.timeout.ms", "delivery.timeout.ms")) common.put(timeout, "9000");
    common.put("linger.ms", "0");
    Properties reading = new Properties();
    reading.putAll(common);
    reading.put("auto.offset.reset", "earliest");
    reading.put("enable.auto.commit", "false");
    reading.put("heartbeat.interval.ms", "300");
    var strings = new StringDeserializer();
    Admin admin = Admin.create(common);

    call("make a topic", () -> admin.createTopics(List.of(
        new NewTopic(topic, 2, (short) 1).configs(Map.of("cleanup.policy", "delete")))).all().get());
    call("write", () -> {
      try (var producer = new KafkaProducer<>(common, new StringSerializer(), new StringSerializer())) {
        return producer.send(new ProducerRecord<>(topic, 0, "key", "value")).get();
      }
    });
    for (String instance : new String[] {null, "static-1"}) {
      call("read in a group, instance id " + instance, () -> {
        Properties own = new Properties();
        own.putAll(reading);
        own.put("group.id", group);
        if (instance != null) own.put("group.instance.id", instance);
        try (var consumer = new KafkaConsumer<>(own, strings, strings)) {
          consumer.subscribe(List.of(topic));
          for (int i = 0; i < 8 && consumer.assignment().isEmpty(); ++i) consumer.poll(Duration.ofMillis(500));
          consumer.seekToBeginning(List.of(first));
          for (int i = 0; i < 8 && consumer.poll(Duration.ofMillis(500)).isEmpty(); ++i);
          Thread.sleep(700);
          consumer.commitSync(Map.of(first, new OffsetAndMetadata(1, Optional.of(0), "note")));
          consumer.committed(Set.of(first));
          consumer.seek(first, new OffsetAndMetadata(1, Optional.of(0), ""));
          consumer.poll(Duration.ofMillis(400));
          consumer.offsetsForTimes(Map.of(first, 1L));
          admin.describeConsumerGroups(List.of(group)).all().get();
          return admin.describeClassicGroups(List.of(group)).all().get();
        }
      });
    }
    for (String instance : new String[] {null, "static-2"}) {
      call("read in a group that the broker shares out, instance id " + instance, () -> {
        Properties own = new Properties();
        own.putAll(reading);
        own.remove("heartbeat.interval.ms");
        own.put("group.protocol", "consumer");
        own.put("group.id", "shared-" + args[1]);
        if (instance != null) {
          own.put("group.instance.id", instance);
          own.put("group.remote.assignor", "range");
          own.put("client.rack", "rack-1");
        }
        try (var consumer = new KafkaConsumer<>(own, strings, strings)) {
          if (instance == null)
            consumer.subscribe(new SubscriptionPattern("plum-.*"));
          else
            consumer.subscribe(List.of(topic));
          for (int i = 0; i < 20 && consumer.assignment().isEmpty(); ++i) consumer.poll(Duration.ofMillis(500));
          return admin.describeConsumerGroups(List.of("shared-" + args[1])).all().get();
        }
      });
    }
    call("list groups", () -> admin.listGroups().all().get());
    call("list stable groups", () -> admin.listConsumerGroups(
        new ListConsumerGroupsOptions().inGroupStates(Set.of(GroupState.STABLE))).all().get());
    call("offsets of a group", () -> admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get());
    call("remove the static member", () -> admin.removeMembersFromConsumerGroup(group,
        new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("static-1")))).all().get());
    call("set offsets", () -> admin.alterConsumerGroupOffsets(group, Map.of(second, new OffsetAndMetadata(5))).all().get());
    call("delete offsets", () -> admin.deleteConsumerGroupOffsets(group, Set.of(second)).all().get());
    call("delete groups", () -> admin.deleteConsumerGroups(List.of(group, "nobody")).all().get());
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    call("settings", () -> admin.describeConfigs(List.of(resource),
        new DescribeConfigsOptions().includeSynonyms(true)).all().get());
    call("change a setting", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
        new AlterConfigOp(new ConfigEntry("retention.ms", "5000000"), AlterConfigOp.OpType.SET)))).all().get());
    call("delete records", () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(1))).all().get());
    call("more partitions", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get());
    call("the cluster", () -> admin.describeCluster().nodes().get());
    call("log directories", () -> admin.describeLogDirs(List.of(1)).allDescriptions().get());
    call("to where it lies", () -> admin.alterReplicaLogDirs(Map.of(new TopicPartitionReplica(topic, 0, 1),
        admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).keySet().iterator().next())).all().get());
    call("reassignments", () -> admin.listPartitionReassignments().reassignments().get());
    call("to where it is", () -> admin.alterPartitionReassignments(Map.of(first,
        Optional.of(new NewPartitionReassignment(List.of(1))))).all().get());
    call("producers", () -> admin.describeProducers(List.of(first)).all().get());
    call("an election", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).all().get());
    call("offsets of a partition", () -> admin.listOffsets(Map.of(first, OffsetSpec.latest())).all().get());
    call("describe topics", () -> admin.describeTopics(List.of(topic)).allTopicNames().get());
    call("delete topics", () -> admin.deleteTopics(List.of(topic, "nothing")).all().get());
    admin.close();
  }
}
