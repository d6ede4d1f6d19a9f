#include "faults.h"
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

namespace {
std::mutex mutex;
std::map<std::string, std::string> active;
bool fixed = false;

std::map<std::string, std::string> parse(const std::string &text) {
  std::map<std::string, std::string> faults;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    std::string item = text.substr(at, end - at);
    size_t equals = item.find('=');
    if (!item.empty()) faults[item.substr(0, equals)] = equals == std::string::npos ? "" : item.substr(equals + 1);
    at = end + 1;
  }
  return faults;
}
}

void vzlReadFaults() {
  std::lock_guard<std::mutex> lock(mutex);
  const char *text = getenv("VZ_LOOKALIKE_FAULT");
  if (!fixed) active = parse(text == nullptr ? "" : text);
}

void vzlSetFaults(const char *names) {
  std::lock_guard<std::mutex> lock(mutex);
  fixed = names != nullptr;
  active = parse(names == nullptr ? "" : names);
}

bool vzlFault(const char *name) {
  std::lock_guard<std::mutex> lock(mutex);
  return active.count(name) > 0;
}

std::string vzlFaultValue(const char *name, const char *otherwise) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = active.find(name);
  return found == active.end() || found->second.empty() ? otherwise : found->second;
}
