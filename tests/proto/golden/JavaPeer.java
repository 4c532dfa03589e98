import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;

/** Kafka's own record classes as a peer: `write DIR` makes java-*.bin, `read DIR` checks ours-*.bin (see README.md). */
public class JavaPeer {
  static final Map<String, Compression> CODECS =
      Map.of("none", Compression.NONE, "gzip", Compression.gzip().build(), "snappy", Compression.snappy().build(),
          "lz4", Compression.lz4().build(), "zstd", Compression.zstd().build());

  static byte[] key(int i) { return i == 7 ? null : String.format("key-%03d", i % 10).getBytes(); }
  static byte[] value(int i) { return i == 13 ? null : ("value " + i + " " + "abc".repeat(i % 50)).getBytes(); }
  static long timestamp(int i) { return 1700000000000L + i * 10 - (i % 3 == 2 ? 500 : 0); }
  static Header[] headers(int i) {
    if (i % 5 != 0) return new Header[0];
    return new Header[] {new RecordHeader("trace", ("id-" + i).getBytes()), new RecordHeader("nothing", (byte[]) null),
        new RecordHeader("empty", new byte[0])};
  }

  static void put(Path dir, String name, ByteBuffer bytes) throws IOException {
    byte[] raw = new byte[bytes.remaining()];
    bytes.get(raw);
    Files.write(dir.resolve(name), raw);
    System.out.println(name + " " + raw.length + " bytes");
  }

  static void write(Path dir) throws IOException {
    for (var codec : CODECS.entrySet()) {
      MemoryRecordsBuilder builder =
          MemoryRecords.builder(ByteBuffer.allocate(1 << 20), codec.getValue(), TimestampType.CREATE_TIME, 0);
      for (int i = 0; i < 100; i++) builder.append(timestamp(i), key(i), value(i), headers(i));
      put(dir, "java-" + codec.getKey() + ".bin", builder.build().buffer());
    }
    MemoryRecordsBuilder stamped = MemoryRecords.builder(
        ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.LOG_APPEND_TIME, 500L,
        1700000099999L);
    stamped.append(1L, "a".getBytes(), "1".getBytes());
    stamped.append(2L, "b".getBytes(), null);
    put(dir, "java-append-time.bin", stamped.build().buffer());
    put(dir, "java-commit-marker.bin",
        MemoryRecords.withEndTransactionMarker(77, 1700000000123L, 5, 4711, (short) 3,
            new EndTransactionMarker(ControlRecordType.COMMIT, 9)).buffer());
    ByteBuffer empty = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
    DefaultRecordBatch.writeEmptyHeader(empty, RecordBatch.MAGIC_VALUE_V2, 4711, (short) 3, 40, 100, 119, 5,
        TimestampType.CREATE_TIME, 1700000000456L, false, false);
    empty.flip();
    put(dir, "java-empty.bin", empty);
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static void read(Path dir) throws IOException {
    for (String codec : CODECS.keySet()) {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(dir.resolve("ours-" + codec + ".bin")));
      Iterator<? extends RecordBatch> batches = MemoryRecords.readableRecords(bytes).batches().iterator();
      RecordBatch batch = batches.next();
      check(!batches.hasNext(), "one batch");
      batch.ensureValid();
      check(batch.baseOffset() == 0 && batch.lastOffset() == 99 && batch.countOrNull() == 100, "counts");
      check(batch.maxTimestamp() == timestamp(99), "max timestamp");
      int i = 0;
      for (org.apache.kafka.common.record.Record record : batch) {
        record.ensureValid();
        check(record.offset() == i && record.timestamp() == timestamp(i), "offset and timestamp of " + i);
        check(Arrays.equals(bytes(record.key()), key(i)), "key of " + i);
        check(Arrays.equals(bytes(record.value()), value(i)), "value of " + i);
        check(Arrays.equals(record.headers(), headers(i)), "headers of " + i);
        i++;
      }
      check(i == 100, "100 records");
      System.out.println("ours-" + codec + ".bin read by Kafka's classes");
    }
  }

  static byte[] bytes(ByteBuffer buffer) {
    if (buffer == null) return null;
    byte[] raw = new byte[buffer.remaining()];
    buffer.duplicate().get(raw);
    return raw;
  }

  public static void main(String[] args) throws IOException {
    Path dir = Path.of(args[1]);
    if (args[0].equals("write")) write(dir);
    else read(dir);
  }
}
