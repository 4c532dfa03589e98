"""The 100 records that every file of this folder holds; golden_records.h and JavaPeer.java know the same rules."""


def records():
    for i in range(100):
        key = None if i == 7 else b"key-%03d" % (i % 10)
        value = None if i == 13 else b"value %d " % i + b"abc" * (i % 50)
        headers = [(b"trace", b"id-%d" % i), (b"nothing", None), (b"empty", b"")] if i % 5 == 0 else []
        # Timestamps go back as well as forth.
        yield key, value, 1700000000000 + i * 10 - (500 if i % 3 == 2 else 0), headers
