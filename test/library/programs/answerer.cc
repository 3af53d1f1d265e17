// Answers asker.c in C++: streams, containers, and an exception through several frames for every answer.
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <pvm3.h>

namespace {

struct End : std::runtime_error {
  explicit End(const std::string &why) : std::runtime_error(why) {}
};

// Its destructor has to run while an exception passes.
struct Guard {
  static int open;
  Guard() { ++open; }
  ~Guard() { --open; }
};
int Guard::open = 0;

thread_local int served_here = 0;

class Message {
public:
  Message() {
    if (pvm_recv(-1, 1) < 0) throw End("nothing received");
    pvm_bufinfo(pvm_getrbuf(), nullptr, nullptr, &tid_);
    if (pvm_upkint(&number_, 1, 1) < 0) throw End("nothing in it");
  }
  int tid() const { return tid_; }
  int number() const { return number_; }

private:
  int tid_ = 0, number_ = 0;
};

void answer(const Message &message) {
  int number = message.number();
  double square = static_cast<double>(number) * number;
  std::ostringstream digits;
  digits << number;
  std::string text = digits.str();
  pvm_initsend(PvmDataDefault);
  pvm_pkint(&number, 1, 1);
  pvm_pkdouble(&square, 1, 1);
  pvm_pkstr(&text[0]);
  pvm_send(message.tid(), 2);
}

// Finds out by an exception that somebody has asked before.
int times(std::map<int, int> &seen, int tid, int depth) {
  Guard guard;
  if (depth > 0) return times(seen, tid, depth - 1);
  return seen.at(tid);
}

void serve() {
  std::map<int, int> seen;
  for (;;) {
    Message message;
    if (message.number() < 0) throw End("asked to");
    try {
      times(seen, message.tid(), 5);
      throw std::out_of_range("again");
    } catch (const std::out_of_range &) {
      ++seen[message.tid()];
    }
    if (Guard::open != 0) throw std::logic_error("a destructor did not run");
    answer(message);
    ++served_here;
  }
}

}  // namespace

int main() {
  if (pvm_mytid() < 0) return 2;
  std::cout << "ready" << std::endl;
  try {
    serve();
  } catch (const End &end) {
    std::cout << "served " << served_here << ", ended: " << end.what() << std::endl;
  }
  pvm_exit();
  return Guard::open;
}
