#pragma once
// One function per resource and method, each resource in a file of its own: read the request, call a service, answer.
//
// All run on the connection's loop. What blocks goes through run_in_background (net/in_background.h).

#include "broker/http/http_protocol.h"

namespace logcask {

// Finds the resource and executes the request. 404 for a path that is none, 405 for a method that it has not.
void execute_http(HttpCall call, HttpRequest request);

void handle_health(HttpCall call, HttpRequest request);
void handle_ready(HttpCall call, HttpRequest request);
void handle_list_topics(HttpCall call, HttpRequest request);
void handle_describe_topic(HttpCall call, HttpRequest request);
void handle_get_key(HttpCall call, HttpRequest request);
void handle_put_key(HttpCall call, HttpRequest request);
void handle_delete_key(HttpCall call, HttpRequest request);
void handle_batch_get(HttpCall call, HttpRequest request);
void handle_watch_key(HttpCall call, HttpRequest request);
void handle_watch_keys(HttpCall call, HttpRequest request);
void handle_replay(HttpCall call, HttpRequest request);

}  // namespace logcask
