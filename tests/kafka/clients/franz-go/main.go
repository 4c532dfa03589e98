// franz-go: what README.md beside this folder lists.
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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	partitions = 4
	at         = int64(1_700_000_000_000)
)

var (
	bootstrap, name string
	ctx             context.Context
	admin           *kadm.Client
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

func client(options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.FetchMaxWait(100 * time.Millisecond)},
		options...)...)
	must(err)
	return made
}

func makeTopic(topic string, count int32, settings map[string]*string) error {
	_, err := admin.CreateTopic(ctx, count, 1, settings, topic)
	return err
}

func keep() map[string]*string { return map[string]*string{"retention.ms": kadm.StringPtr("-1")} }

func send(topic string, records []*kgo.Record, options ...kgo.Opt) error {
	writer := client(append([]kgo.Opt{kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(1 << 20)}, options...)...)
	defer writer.Close()
	return writer.ProduceSync(ctx, records...).FirstErr()
}

// Without a group, each partition to the end it has now.
func readAll(topic string) []*kgo.Record {
	ends, err := admin.ListEndOffsets(ctx, topic)
	must(err)
	starts, err := admin.ListStartOffsets(ctx, topic)
	must(err)
	behind := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if start, _ := starts.Lookup(topic, o.Partition); o.Offset > start.Offset {
			behind[o.Partition] = o.Offset
		}
	})
	reader := client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer reader.Close()
	var read []*kgo.Record
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for len(behind) > 0 {
		fetches := reader.PollFetches(limit)
		must(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			read = append(read, r)
			if r.Offset >= behind[r.Partition]-1 {
				delete(behind, r.Partition)
			}
		})
	}
	return read
}

func topic() string {
	settings := keep()
	settings["cleanup.policy"] = kadm.StringPtr("delete")
	must(makeTopic(name+".main", partitions, settings))
	details, err := admin.ListTopics(ctx, name+".main")
	must(err)
	assert(len(details[name+".main"].Partitions) == partitions, details)
	assert(errors.Is(makeTopic(name+".main", partitions, nil), kerr.TopicAlreadyExists), "made twice")
	return ""
}

func codecs() string {
	known := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for codec, compression := range known {
		var records []*kgo.Record
		for i := 0; i < 100; i++ {
			records = append(records, kgo.KeyStringRecord(fmt.Sprint("k", i), strings.Repeat(codec+" ", 50)))
		}
		must(send(name+".main", records, kgo.ProducerBatchCompression(compression)))
	}
	seen := map[string]int{}
	for _, r := range readAll(name + ".main") {
		seen[string(r.Value[:4])]++
	}
	for codec := range known {
		assert(seen[(codec + " ")[:4]] == 100, codec, seen)
	}
	return "none gzip snappy lz4 zstd"
}

func idempotent() string {
	must(makeTopic(name+".idempotent", partitions, nil))
	var records []*kgo.Record
	for i := 0; i < 1000; i++ {
		records = append(records, kgo.KeyStringRecord(fmt.Sprint("k", i), "v"))
	}
	must(send(name+".idempotent", records, kgo.ProducerLinger(0)))
	assert(len(readAll(name+".idempotent")) == 1000, "all, once")
	return "by default"
}

func record() string {
	t := name + ".record"
	must(makeTopic(t, 1, keep()))
	headers := []kgo.RecordHeader{{Key: "one", Value: []byte("eins")}, {Key: "null"}, {Key: "one", Value: []byte("uno")}}
	must(send(t, []*kgo.Record{
		{Key: []byte("null"), Headers: headers, Timestamp: time.UnixMilli(at)},
		{Key: []byte("empty"), Value: []byte{}, Timestamp: time.UnixMilli(at + 1)},
		{Value: []byte("keyless"), Timestamp: time.UnixMilli(at + 2)},
		{Key: []byte("large"), Value: bytes.Repeat([]byte("x"), 1_000_000)}}))
	read := readAll(t)
	assert(read[0].Value == nil && len(read[0].Headers) == 3 && read[0].Headers[1].Value == nil &&
		string(read[0].Headers[2].Value) == "uno" && read[0].Timestamp.UnixMilli() == at, read[0])
	assert(read[1].Value != nil && len(read[1].Value) == 0 && read[2].Key == nil && len(read[3].Value) == 1_000_000, "values")
	err := send(t, []*kgo.Record{{Key: []byte("larger"), Value: bytes.Repeat([]byte("x"), 2_000_000)}},
		kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	assert(errors.Is(err, kerr.MessageTooLarge), "a record above the limit: ", err)
	return ""
}

func byTime() string {
	t := name + ".time"
	must(makeTopic(t, 1, keep()))
	var records []*kgo.Record
	for i := int64(0); i < 20; i++ {
		records = append(records, &kgo.Record{Value: []byte(fmt.Sprint(i)), Timestamp: time.UnixMilli(at + i*1000)})
	}
	must(send(t, records))
	found, err := admin.ListOffsetsAfterMilli(ctx, at+5500, t)
	must(err)
	offset, _ := found.Lookup(t, 0)
	assert(offset.Offset == 6 && offset.Timestamp == at+6000, offset)
	reader := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t: {0: kgo.NewOffset().AfterMilli(at + 5500)}}))
	defer reader.Close()
	var seen []int64
	until("what follows that time", func() bool {
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { seen = append(seen, r.Offset) })
		return len(seen) > 0 && seen[len(seen)-1] == 19
	})
	assert(seen[0] == 6 && len(seen) == 14, seen)
	newest, err := admin.ListMaxTimestampOffsets(ctx, t)
	must(err)
	offset, _ = newest.Lookup(t, 0)
	assert(offset.Offset == 19 && offset.Timestamp == at+19_000, offset)
	return ""
}

func group() string {
	t, group := name+".group", name+".resumes"
	must(makeTopic(t, 1, nil))
	var records []*kgo.Record
	for i := 0; i < 100; i++ {
		records = append(records, kgo.StringRecord(fmt.Sprint(i)))
	}
	must(send(t, records))
	// The newer protocol's group goes on where the classic one has stopped, and takes its place.
	for i, half := range [][2]int64{{0, 39}, {40, 59}, {60, 99}} {
		options := []kgo.Opt{kgo.ConsumeTopics(t), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
		if i > 0 {
			options = append(options, byTheBroker...)
		}
		reader := client(options...)
		var seen []*kgo.Record
		until("the member reads", func() bool {
			seen = append(seen, reader.PollFetches(ctx).Records()...)
			return len(seen) > 0 && seen[len(seen)-1].Offset == 99
		})
		assert(seen[0].Offset == half[0], "began at ", seen[0].Offset)
		must(reader.CommitRecords(ctx, seen[half[1]-half[0]]))
		reader.Close()
	}
	committed, err := admin.FetchOffsets(ctx, group)
	must(err)
	offset, _ := committed.Lookup(t, 0)
	assert(offset.At == 100, offset)
	return ""
}

type member struct {
	sync.Mutex
	reader *kgo.Client
	owned  map[int32]bool
	seen   map[int32]int
	ended  chan struct{}
}

// The newer protocol, KIP-848; it wants a balancer of which the broker has the like.
var byTheBroker = []kgo.Opt{kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())}

func join(t, group string, more ...kgo.Opt) *member {
	m := &member{owned: map[int32]bool{}, seen: map[int32]int{}, ended: make(chan struct{})}
	change := func(gained bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			m.Lock()
			defer m.Unlock()
			for _, p := range parts[t] {
				if gained {
					m.owned[p] = true
				} else {
					delete(m.owned, p)
				}
			}
		}
	}
	options := []kgo.Opt{kgo.ConsumeTopics(t), kgo.ConsumerGroup(group), kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.OnPartitionsAssigned(change(true)),
		kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false))}
	m.reader = client(append(options, more...)...)
	go func() {
		defer close(m.ended)
		for {
			fetches := m.reader.PollFetches(ctx)
			if fetches.IsClientClosed() {
				return
			}
			m.Lock()
			fetches.EachRecord(func(r *kgo.Record) { m.seen[r.Partition]++ })
			m.Unlock()
		}
	}()
	return m
}

func (m *member) owns() int {
	m.Lock()
	defer m.Unlock()
	return len(m.owned)
}

func (m *member) read() (all int) {
	m.Lock()
	defer m.Unlock()
	for _, n := range m.seen {
		all += n
	}
	return
}

func (m *member) stop() {
	m.reader.Close()
	<-m.ended
}

func rebalance() string {
	share(name+".share", func(group string) (string, int) {
		described, err := admin.DescribeGroups(ctx, group)
		must(err)
		return described[group].State, len(described[group].Members)
	})
	share(name+".share848", func(group string) (string, int) {
		described, err := admin.DescribeConsumerGroups(ctx, group)
		must(err)
		return described[group].State, len(described[group].Members)
	}, byTheBroker...)
	return "cooperative-sticky, group.protocol=consumer"
}

func share(group string, describe func(string) (string, int), options ...kgo.Opt) {
	t := group + "d"
	must(makeTopic(t, partitions, nil))
	one := join(t, group, options...)
	until("one has them all", func() bool { return one.owns() == partitions })
	two := join(t, group, options...)
	until("two share", func() bool { return one.owns() == 2 && two.owns() == 2 })
	var records []*kgo.Record
	for i := 0; i < 400; i++ {
		records = append(records, &kgo.Record{Value: []byte("v"), Partition: int32(i % partitions)})
	}
	must(send(t, records, kgo.RecordPartitioner(kgo.ManualPartitioner())))
	until("both have read", func() bool { return one.read() == 200 && two.read() == 200 })
	until("it is settled", func() bool {
		state, members := describe(group)
		return state == "Stable" && members == 2
	})
	two.stop()
	until("the other takes over", func() bool { return one.owns() == partitions })
	one.stop()
}

func administer() string {
	setting := func(named string) string {
		described, err := admin.DescribeTopicConfigs(ctx, name+".main")
		must(err)
		for _, config := range described[0].Configs {
			if config.Key == named {
				return config.MaybeValue()
			}
		}
		return ""
	}
	assert(setting("retention.ms") == "-1", "as it was made")
	_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "segment.ms",
		Value: kadm.StringPtr("3600000")}}, name+".main")
	must(err)
	assert(setting("segment.ms") == "3600000" && setting("retention.ms") == "-1", "as it was altered")
	listed, err := admin.ListGroups(ctx)
	must(err)
	groups := []string{name + ".resumes", name + ".share"}
	for _, g := range groups {
		_, is := listed[g]
		assert(is, g)
	}
	deleted, err := admin.DeleteGroups(ctx, groups...)
	must(err)
	must(deleted.Error())
	upTo := kadm.Offsets{}
	upTo.AddOffset(name+".time", 0, 5, -1)
	_, err = admin.DeleteRecords(ctx, upTo)
	must(err)
	starts, err := admin.ListStartOffsets(ctx, name+".time")
	must(err)
	start, _ := starts.Lookup(name+".time", 0)
	assert(start.Offset == 5, start)
	dirs, err := admin.DescribeAllLogDirs(ctx, nil)
	must(err)
	assert(len(dirs) == 1, dirs)
	_, err = admin.DeleteTopics(ctx, name+".time")
	must(err)
	topics, err := admin.ListTopics(ctx)
	must(err)
	assert(!topics.Has(name+".time"), "deleted")
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
	must(makeTopic(name+".keyed", partitions, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}))
	var records, gone []*kgo.Record
	for i := 0; i < 40; i++ {
		records = append(records, kgo.KeyStringRecord(fmt.Sprint("key-", i), fmt.Sprint("value-", i)))
	}
	for i := 3; i < 40; i += 10 {
		gone = append(gone, &kgo.Record{Key: []byte(fmt.Sprint("key-", i))})
	}
	must(send(name+".keyed", records))
	must(send(name+".keyed", gone))
	return ""
}

func transactions() string {
	begun := time.Now()
	writer := client(kgo.TransactionalID(name+".t"), kgo.DefaultProduceTopic(name+".main"))
	defer writer.Close()
	err := writer.BeginTransaction()
	if err == nil {
		err = writer.ProduceSync(ctx, kgo.StringRecord("v")).FirstErr()
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
	var records []*kgo.Record
	for i := 0; i < count; i++ {
		r := kgo.KeyStringRecord(fmt.Sprint("key-", i%2500), fmt.Sprint("value-", i))
		if i%7 == 3 {
			r.Value = nil
		}
		r.Headers = []kgo.RecordHeader{{Key: "n", Value: []byte(fmt.Sprint(i))}, {Key: "empty", Value: []byte{}}}
		r.Timestamp = time.UnixMilli(at + int64(i))
		records = append(records, r)
	}
	must(send(name, records, kgo.ProducerBatchCompression(kgo.Lz4Compression())))
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
			headers = append(headers, h.Key+"="+string(h.Value))
		}
		fmt.Fprintf(out, "%d\t%d\t%s\t%s\t%s\t%d\n", r.Partition, r.Offset, r.Key, value, strings.Join(headers, ","),
			r.Timestamp.UnixMilli())
	}
}

func main() {
	bootstrap, name = os.Args[1], os.Args[3]
	var cancel context.CancelFunc
	ctx, cancel = context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	writer := client()
	admin = kadm.NewClient(writer)
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
