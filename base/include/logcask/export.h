#pragma once
// LOGCASK_API marks what the shared library shows. Everything else is compiled hidden, so that what the library is made
// of (protobuf, Asio, the codecs, our own insides) never meets a program's own copies of the same.

#define LOGCASK_API [[gnu::visibility("default")]]
#define LOGCASK_HIDDEN [[gnu::visibility("hidden")]]
