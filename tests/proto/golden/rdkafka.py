"""The few calls of librdkafka that the golden files need, through ctypes."""
import ctypes as c

lib = c.CDLL("librdkafka.so.1")
PRODUCER, CONSUMER = 0, 1
VT_TOPIC, VT_PARTITION, VT_VALUE, VT_KEY, VT_MSGFLAGS, VT_TIMESTAMP, VT_HEADER = 1, 3, 4, 5, 7, 8, 9
COPY = 2


class Mem(c.Structure):
    _fields_ = [("ptr", c.c_char_p), ("size", c.c_size_t)]


class Header(c.Structure):
    _fields_ = [("name", c.c_char_p), ("val", c.c_char_p), ("size", c.c_ssize_t)]


class Value(c.Union):
    _fields_ = [("cstr", c.c_char_p), ("i", c.c_int), ("i32", c.c_int32), ("i64", c.c_int64), ("mem", Mem),
                ("header", Header), ("_pad", c.c_char * 64)]


class Vu(c.Structure):
    _fields_ = [("vtype", c.c_int), ("u", Value)]


class Message(c.Structure):
    _fields_ = [("err", c.c_int), ("rkt", c.c_void_p), ("partition", c.c_int32), ("payload", c.c_void_p),
                ("len", c.c_size_t), ("key", c.c_void_p), ("key_len", c.c_size_t), ("offset", c.c_int64),
                ("private", c.c_void_p)]


def declare(name, result, *arguments):
    function = getattr(lib, "rd_kafka_" + name)
    function.restype, function.argtypes = result, arguments
    return function


conf_new = declare("conf_new", c.c_void_p)
conf_set = declare("conf_set", c.c_int, c.c_void_p, c.c_char_p, c.c_char_p, c.c_char_p, c.c_size_t)
new = declare("new", c.c_void_p, c.c_int, c.c_void_p, c.c_char_p, c.c_size_t)
produceva = declare("produceva", c.c_void_p, c.c_void_p, c.POINTER(Vu), c.c_size_t)
flush = declare("flush", c.c_int, c.c_void_p, c.c_int)
destroy = declare("destroy", None, c.c_void_p)
topic_new = declare("topic_new", c.c_void_p, c.c_void_p, c.c_char_p, c.c_void_p)
topic_destroy = declare("topic_destroy", None, c.c_void_p)
consume_start = declare("consume_start", c.c_int, c.c_void_p, c.c_int32, c.c_int64)
consume_stop = declare("consume_stop", c.c_int, c.c_void_p, c.c_int32)
consume = declare("consume", c.POINTER(Message), c.c_void_p, c.c_int32, c.c_int)
message_destroy = declare("message_destroy", None, c.POINTER(Message))
message_timestamp = declare("message_timestamp", c.c_int64, c.POINTER(Message), c.POINTER(c.c_int))
message_headers = declare("message_headers", c.c_int, c.POINTER(Message), c.POINTER(c.c_void_p))
header_get_all = declare("header_get_all", c.c_int, c.c_void_p, c.c_size_t, c.POINTER(c.c_char_p),
                         c.POINTER(c.c_void_p), c.POINTER(c.c_size_t))
err2str = declare("err2str", c.c_char_p, c.c_int)


def client(kind, settings):
    conf, error = conf_new(), c.create_string_buffer(512)
    for name, value in settings.items():
        assert conf_set(conf, name.encode(), str(value).encode(), error, 512) == 0, error.value
    handle = new(kind, conf, error, 512)
    assert handle, error.value
    return handle


def produce(handle, topic, key, value, timestamp, headers):
    def vu(vtype, **fields):
        item = Vu()
        item.vtype = vtype
        for name, field in fields.items():
            setattr(item.u, name, field)
        return item

    items = [vu(VT_TOPIC, cstr=topic), vu(VT_PARTITION, i32=0), vu(VT_MSGFLAGS, i=COPY), vu(VT_TIMESTAMP, i64=timestamp),
             vu(VT_VALUE, mem=Mem(value, len(value or b"")))]
    if key is not None:
        items.append(vu(VT_KEY, mem=Mem(key, len(key))))
    for name, content in headers:
        items.append(vu(VT_HEADER, header=Header(name, content, len(content or b""))))
    assert not produceva(handle, (Vu * len(items))(*items), len(items)), "produce failed"
