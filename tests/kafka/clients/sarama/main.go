// sarama: what README.md beside this folder lists.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	partitions = 4
	at         = int64(1_700_000_000_000)
)

var (
	bootstrap, name string
	admin           sarama.ClusterAdmin
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func assert(holds bool, what ...any) {
	if !holds {
		panic(fmt.Sprint(what...))
	}
}

func until(what string, happened func() bool) {
	for end := time.Now().Add(30 * time.Second); !happened(); time.Sleep(20 * time.Millisecond) {
		assert(time.Now().Before(end), "not in time: ", what)
	}
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.MaxMessageBytes = 4 << 20
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.MaxWaitTime = 100 * time.Millisecond
	c.Consumer.Fetch.Default = 4 << 20
	return c
}

func makeTopic(topic string, count int32, settings map[string]*string) error {
	return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: count, ReplicationFactor: 1, ConfigEntries: settings}, false)
}

func text(s string) *string { return &s }

func keep() map[string]*string { return map[string]*string{"retention.ms": text("-1")} }

func send(topic string, records []*sarama.ProducerMessage, change func(*sarama.Config)) error {
	c := config()
	if change != nil {
		change(c)
	}
	writer, err := sarama.NewSyncProducer([]string{bootstrap}, c)
	must(err)
	defer writer.Close()
	for _, r := range records {
		r.Topic = topic
	}
	return writer.SendMessages(records)
}

// Without a group, each partition to the end it has now.
func readAll(topic string) (read []*sarama.ConsumerMessage) {
	client, err := sarama.NewClient([]string{bootstrap}, config())
	must(err)
	defer client.Close()
	reader, err := sarama.NewConsumerFromClient(client)
	must(err)
	places, err := client.Partitions(topic)
	must(err)
	for _, p := range places {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		must(err)
		if end == 0 {
			continue
		}
		one, err := reader.ConsumePartition(topic, p, sarama.OffsetOldest)
		must(err)
		for reached := false; !reached; {
			select {
			case m := <-one.Messages():
				read = append(read, m)
				reached = m.Offset >= end-1
			case <-time.After(20 * time.Second):
				panic(fmt.Sprint("the end of ", topic, " was not reached: partition ", p, " to ", end))
			}
		}
		must(one.Close())
	}
	return
}

func topic() string {
	settings := keep()
	settings["cleanup.policy"] = text("delete")
	must(makeTopic(name+".main", partitions, settings))
	described, err := admin.DescribeTopics([]string{name + ".main"})
	must(err)
	assert(len(described[0].Partitions) == partitions, described)
	assert(errors.Is(makeTopic(name+".main", partitions, nil), sarama.ErrTopicAlreadyExists), "made twice")
	return ""
}

func codecs() string {
	known := []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
		sarama.CompressionLZ4, sarama.CompressionZSTD}
	for _, codec := range known {
		var records []*sarama.ProducerMessage
		for i := 0; i < 100; i++ {
			records = append(records, &sarama.ProducerMessage{Key: sarama.StringEncoder(fmt.Sprint("k", i)),
				Value: sarama.StringEncoder(strings.Repeat(codec.String()+" ", 50))})
		}
		must(send(name+".main", records, func(c *sarama.Config) { c.Producer.Compression = codec }))
	}
	seen := map[string]int{}
	for _, r := range readAll(name + ".main") {
		seen[strings.Fields(string(r.Value))[0]]++
	}
	for _, codec := range known {
		assert(seen[codec.String()] == 100, codec, seen)
	}
	return "none gzip snappy lz4 zstd"
}

func idempotent() string {
	must(makeTopic(name+".idempotent", partitions, nil))
	var records []*sarama.ProducerMessage
	for i := 0; i < 1000; i++ {
		records = append(records, &sarama.ProducerMessage{Key: sarama.StringEncoder(fmt.Sprint("k", i)),
			Value: sarama.StringEncoder("v")})
	}
	must(send(name+".idempotent", records, func(c *sarama.Config) {
		c.Producer.Idempotent = true
		c.Net.MaxOpenRequests = 1
	}))
	assert(len(readAll(name+".idempotent")) == 1000, "all, once")
	return ""
}

func record() string {
	t := name + ".record"
	must(makeTopic(t, 1, keep()))
	headers := []sarama.RecordHeader{{Key: []byte("one"), Value: []byte("eins")}, {Key: []byte("null")},
		{Key: []byte("one"), Value: []byte("uno")}}
	must(send(t, []*sarama.ProducerMessage{
		{Key: sarama.StringEncoder("null"), Headers: headers, Timestamp: time.UnixMilli(at)},
		{Key: sarama.StringEncoder("empty"), Value: sarama.ByteEncoder{}, Timestamp: time.UnixMilli(at + 1)},
		{Value: sarama.StringEncoder("keyless"), Timestamp: time.UnixMilli(at + 2)},
		{Key: sarama.StringEncoder("large"), Value: sarama.ByteEncoder(bytes.Repeat([]byte("x"), 1_000_000))}}, nil))
	read := readAll(t)
	assert(read[0].Value == nil && len(read[0].Headers) == 3 && read[0].Headers[1].Value == nil &&
		string(read[0].Headers[2].Value) == "uno" && read[0].Timestamp.UnixMilli() == at, read[0])
	assert(read[1].Value != nil && len(read[1].Value) == 0 && read[2].Key == nil && len(read[3].Value) == 1_000_000, "values")
	err := send(t, []*sarama.ProducerMessage{{Value: sarama.ByteEncoder(bytes.Repeat([]byte("x"), 2_000_000))}}, nil)
	var failed sarama.ProducerErrors
	assert(errors.As(err, &failed) && errors.Is(failed[0].Err, sarama.ErrMessageSizeTooLarge), "a record above the limit: ", err)
	return ""
}

func byTime() string {
	t := name + ".time"
	must(makeTopic(t, 1, keep()))
	var records []*sarama.ProducerMessage
	for i := int64(0); i < 20; i++ {
		records = append(records, &sarama.ProducerMessage{Value: sarama.StringEncoder("v"), Timestamp: time.UnixMilli(at + i*1000)})
	}
	must(send(t, records, nil))
	client, err := sarama.NewClient([]string{bootstrap}, config())
	must(err)
	defer client.Close()
	offset, err := client.GetOffset(t, 0, at+5500)
	must(err)
	assert(offset == 6, offset)
	reader, err := sarama.NewConsumerFromClient(client)
	must(err)
	one, err := reader.ConsumePartition(t, 0, offset)
	must(err)
	first := <-one.Messages()
	assert(first.Offset == 6 && first.Timestamp.UnixMilli() == at+6000, first)
	must(one.Close())
	return ""
}

type member struct {
	sync.Mutex
	group  sarama.ConsumerGroup
	topic  string
	owned  int
	seen   []*sarama.ConsumerMessage
	commit func(sarama.ConsumerGroupSession)
	cancel context.CancelFunc
	ended  chan struct{}
}

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	m.Lock()
	defer m.Unlock()
	m.owned = len(s.Claims()[m.topic])
	return nil
}

func (m *member) Cleanup(s sarama.ConsumerGroupSession) error {
	if m.commit != nil {
		m.commit(s)
	}
	m.Lock()
	defer m.Unlock()
	m.owned = 0
	return nil
}

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for r := range claim.Messages() {
		m.Lock()
		m.seen = append(m.seen, r)
		m.Unlock()
	}
	return nil
}

func join(t, group string, commit func(sarama.ConsumerGroupSession)) *member {
	c := config()
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	joined, err := sarama.NewConsumerGroup([]string{bootstrap}, group, c)
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{group: joined, topic: t, commit: commit, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		for ctx.Err() == nil {
			must(joined.Consume(ctx, []string{t}, m))
		}
	}()
	return m
}

func (m *member) counts() (owned, seen int) {
	m.Lock()
	defer m.Unlock()
	return m.owned, len(m.seen)
}

func (m *member) stop() {
	m.cancel()
	<-m.ended
	must(m.group.Close())
}

func group() string {
	t, group := name+".group", name+".resumes"
	must(makeTopic(t, 1, nil))
	var records []*sarama.ProducerMessage
	for i := 0; i < 100; i++ {
		records = append(records, &sarama.ProducerMessage{Value: sarama.StringEncoder(fmt.Sprint(i))})
	}
	must(send(t, records, nil))
	for _, half := range [][2]int64{{0, 40}, {40, 100}} {
		m := join(t, group, func(s sarama.ConsumerGroupSession) {
			s.MarkOffset(t, 0, half[1], "a note")
			s.Commit()
		})
		until("the member reads", func() bool { _, seen := m.counts(); return seen == 100-int(half[0]) })
		assert(m.seen[0].Offset == half[0], "began at ", m.seen[0].Offset)
		m.stop()
	}
	committed, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{t: {0}})
	must(err)
	block := committed.GetBlock(t, 0)
	assert(block.Offset == 100 && block.Metadata == "a note", block)
	return ""
}

func rebalance() string {
	t, group := name+".shared", name+".share"
	must(makeTopic(t, partitions, nil))
	one := join(t, group, nil)
	until("one has them all", func() bool { owned, _ := one.counts(); return owned == partitions })
	two := join(t, group, nil)
	share := func() bool {
		first, _ := one.counts()
		second, _ := two.counts()
		return first == 2 && second == 2
	}
	until("two share", share)
	var records []*sarama.ProducerMessage
	for i := 0; i < 400; i++ {
		records = append(records, &sarama.ProducerMessage{Value: sarama.StringEncoder("v"), Partition: int32(i % partitions)})
	}
	must(send(t, records, func(c *sarama.Config) { c.Producer.Partitioner = sarama.NewManualPartitioner }))
	until("both have read", func() bool {
		_, first := one.counts()
		_, second := two.counts()
		return first == 200 && second == 200
	})
	described, err := admin.DescribeConsumerGroups([]string{group})
	must(err)
	assert(described[0].State == "Stable" && len(described[0].Members) == 2, described[0])
	two.stop()
	until("the other takes over", func() bool { owned, _ := one.counts(); return owned == partitions })
	one.stop()
	return ""
}

func administer() string {
	setting := func(named string) string {
		described, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: name + ".main"})
		must(err)
		for _, entry := range described {
			if entry.Name == named {
				return entry.Value
			}
		}
		return ""
	}
	assert(setting("retention.ms") == "-1", "as it was made")
	must(admin.IncrementalAlterConfig(sarama.TopicResource, name+".main", map[string]sarama.IncrementalAlterConfigsEntry{
		"segment.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: text("3600000")}}, false))
	assert(setting("segment.ms") == "3600000" && setting("retention.ms") == "-1", "as it was altered")
	must(admin.AlterConfig(sarama.TopicResource, name+".main", map[string]*string{"segment.ms": text("7200000")}, false))
	assert(setting("segment.ms") == "7200000", "as it was altered whole")
	listed, err := admin.ListConsumerGroups()
	must(err)
	for _, g := range []string{name + ".resumes", name + ".share"} {
		_, is := listed[g]
		assert(is, g)
		must(admin.DeleteConsumerGroup(g))
	}
	must(admin.DeleteRecords(name+".time", map[int32]int64{0: 5}))
	client, err := sarama.NewClient([]string{bootstrap}, config())
	must(err)
	defer client.Close()
	start, err := client.GetOffset(name+".time", 0, sarama.OffsetOldest)
	must(err)
	assert(start == 5, start)
	brokers, _, err := admin.DescribeCluster()
	must(err)
	assert(len(brokers) == 1, brokers)
	must(admin.DeleteTopic(name + ".time"))
	topics, err := admin.ListTopics()
	must(err)
	_, is := topics[name+".time"]
	assert(!is, "deleted")
	return ""
}

func gaps() string {
	last := map[string]string{}
	for _, r := range readAll(name + ".gaps") {
		last[string(r.Key)] = string(r.Value)
	}
	assert(len(last) == 500, len(last))
	for key, value := range last {
		assert(value == "5", key, value)
	}
	return ""
}

func keyed() string {
	must(makeTopic(name+".keyed", partitions, map[string]*string{"cleanup.policy": text("compact")}))
	var records, gone []*sarama.ProducerMessage
	for i := 0; i < 40; i++ {
		records = append(records, &sarama.ProducerMessage{Key: sarama.StringEncoder(fmt.Sprint("key-", i)),
			Value: sarama.StringEncoder(fmt.Sprint("value-", i))})
	}
	for i := 3; i < 40; i += 10 {
		gone = append(gone, &sarama.ProducerMessage{Key: sarama.StringEncoder(fmt.Sprint("key-", i))})
	}
	must(send(name+".keyed", records, nil))
	must(send(name+".keyed", gone, nil))
	return "FNV-1a"
}

func transactions() string {
	c := config()
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	c.Producer.Transaction.ID = name + ".t"
	begun := time.Now()
	writer, err := sarama.NewSyncProducer([]string{bootstrap}, c)
	if err == nil {
		err = writer.BeginTxn()
		writer.Close()
	}
	assert(err != nil, "a transaction was begun")
	assert(time.Since(begun) < 5*time.Second, "refused after ", time.Since(begun), err)
	return err.Error()
}

func check() {
	for _, one := range []struct {
		what string
		run  func() string
	}{{"topic", topic}, {"codecs", codecs}, {"idempotent", idempotent}, {"record", record}, {"time", byTime},
		{"group", group}, {"rebalance", rebalance}, {"admin", administer}, {"gaps", gaps}, {"keyed", keyed},
		{"transactions", transactions}} {
		fmt.Println(strings.TrimSpace("ok " + one.what + " " + one.run()))
	}
}

func write(count int) {
	var records []*sarama.ProducerMessage
	for i := 0; i < count; i++ {
		r := &sarama.ProducerMessage{Key: sarama.StringEncoder(fmt.Sprint("key-", i%2500)), Timestamp: time.UnixMilli(at + int64(i)),
			Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: []byte(fmt.Sprint(i))}, {Key: []byte("empty"), Value: []byte{}}}}
		if i%7 != 3 {
			r.Value = sarama.StringEncoder(fmt.Sprint("value-", i))
		}
		records = append(records, r)
	}
	must(send(name, records, func(c *sarama.Config) { c.Producer.Compression = sarama.CompressionLZ4 }))
}

func read() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, r := range readAll(name) {
		value := string(r.Value)
		if r.Value == nil {
			value = `\N`
		}
		var headers []string
		for _, h := range r.Headers {
			headers = append(headers, string(h.Key)+"="+string(h.Value))
		}
		fmt.Fprintf(out, "%d\t%d\t%s\t%s\t%s\t%d\n", r.Partition, r.Offset, r.Key, value, strings.Join(headers, ","),
			r.Timestamp.UnixMilli())
	}
}

func main() {
	bootstrap, name = os.Args[1], os.Args[3]
	var err error
	admin, err = sarama.NewClusterAdmin([]string{bootstrap}, config())
	must(err)
	switch os.Args[2] {
	case "check":
		check()
	case "write":
		count, err := strconv.Atoi(os.Args[4])
		must(err)
		write(count)
	case "read":
		read()
	}
}
