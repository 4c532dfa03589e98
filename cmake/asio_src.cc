// Asio compiled once for the whole project (BOOST_ASIO_SEPARATE_COMPILATION, set by the target logcask_asio).
#include <boost/asio/impl/src.hpp>
