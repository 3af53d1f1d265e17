# Built in a copy of this file under build/obj/addon (see the Makefile beside it): node-gyp writes
# next to its binding.gyp, and this folder is to stay clean. Both places are three folders deep.
{
  "targets": [
    {
      "target_name": "mpvm_native",
      "sources": [
        "../../../native/checkpoint/addon/addon.cc",
        "../../../native/checkpoint/addon/peer.cc",
        "../../../native/checkpoint/addon/sockets.cc",
        "../../../native/checkpoint/addon/elf.cc",
        "../../../native/checkpoint/addon/machine.cc",
        "../../../native/checkpoint/addon/pidfd.cc",
        "../../../native/checkpoint/addon/fifo.cc",
        "../../../native/checkpoint/addon/socket.cc",
        "../../../native/checkpoint/addon/group_page.cc",
        "../../../native/checkpoint/addon/spawn.cc"
      ],
      "include_dirs": [
        "../../../node_modules/node-addon-api",
        "../../../native/checkpoint/addon"
      ],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type"]
    }
  ]
}
