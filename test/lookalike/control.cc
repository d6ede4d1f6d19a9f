// An addon for tests, beside the one under test: it finds the look-alike inside vz.node and reaches what the product's addon must
// not export. `attach(path of vz.node)` comes first, after that addon was loaded.

#include <cstdlib>
#include <dlfcn.h>
#include <node_api.h>
#include <string>

namespace {
void *library = nullptr;

napi_value fail(napi_env env, const std::string &message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

template <typename Function> Function look(napi_env env, const char *name) {
  void *found = library == nullptr ? nullptr : dlsym(library, name);
  if (found == nullptr) fail(env, std::string("control: no ") + name + ": attach first, to an addon built with the look-alike");
  return reinterpret_cast<Function>(found);
}

/** Null for anything but text. */
std::string *text(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) return nullptr;
  auto value = new std::string(length, ' ');
  napi_get_value_string_utf8(env, argument, value->data(), length + 1, &length);
  return value;
}

napi_value attach(napi_env env, napi_callback_info info) {
  std::string *path = text(env, info);
  if (path == nullptr) return fail(env, "control: attach takes a path");
  library = dlopen(path->c_str(), RTLD_LAZY | RTLD_NOLOAD);
  std::string message = library == nullptr ? "control: " + *path + " is not loaded" : "";
  delete path;
  return library == nullptr ? fail(env, message) : nullptr;
}

/** What lives, as JSON. */
napi_value live(napi_env env, napi_callback_info) {
  auto function = look<char *(*)()>(env, "vzl_live");
  if (function == nullptr) return nullptr;
  char *json = function();
  napi_value result;
  napi_create_string_utf8(env, json, NAPI_AUTO_LENGTH, &result);
  free(json);
  return result;
}

/** Waits on this thread: what ends, ends without it. */
napi_value settle(napi_env env, napi_callback_info info) {
  auto function = look<bool (*)(int)>(env, "vzl_settle");
  if (function == nullptr) return nullptr;
  size_t count = 1;
  napi_value argument, result;
  int32_t milliseconds = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int32(env, argument, &milliseconds);
  napi_get_boolean(env, function(milliseconds), &result);
  return result;
}

/** Text, or null for those of the environment. */
napi_value setFaults(napi_env env, napi_callback_info info) {
  auto function = look<void (*)(const char *)>(env, "vzl_set_faults");
  std::string *names = text(env, info);
  if (function != nullptr) function(names == nullptr ? nullptr : names->c_str());
  delete names;
  return nullptr;
}

template <const char *name> napi_value call(napi_env env, napi_callback_info) {
  if (auto function = look<void (*)()>(env, name)) function();
  return nullptr;
}
constexpr char suffer[] = "vzl_suffer", offQueue[] = "vzl_off_queue", raise[] = "vzl_raise";
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {{"attach", attach},       {"live", live}, {"settle", settle},
                   {"setFaults", setFaults}, {"suffer", call<suffer>},
                   {"offQueue", call<offQueue>}, {"raise", call<raise>}};
  for (const auto &row : functions) {
    napi_value function;
    napi_create_function(env, row.name, NAPI_AUTO_LENGTH, row.function, nullptr, &function);
    napi_set_named_property(env, exports, row.name, function);
  }
  return exports;
}
