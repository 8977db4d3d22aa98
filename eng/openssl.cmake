# The CMake toolchain file (CMAKE_TOOLCHAIN_FILE) for .NET's native layer over OpenSSL, which is compiled from source. CMake links test programs
# with the static OpenSSL to find its features. From Debian 13 on, OpenSSL needs these two compression libraries. Without them no test program
# links, and the layer has no ALPN and thus no HTTP/2 over TLS.
set(CMAKE_C_STANDARD_LIBRARIES "-lzstd -lz")

# Uses the libraries of the sysroot that eng/native.sh creates, also for another architecture.
if(DEFINED ENV{FLANNEL_SYSROOT})
    set(CMAKE_SYSTEM_NAME Linux)
    set(CMAKE_SYSTEM_PROCESSOR $ENV{FLANNEL_PROCESSOR})
    set(CMAKE_LIBRARY_ARCHITECTURE ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
    set(CMAKE_C_COMPILER clang)
    set(CMAKE_C_COMPILER_TARGET ${CMAKE_LIBRARY_ARCHITECTURE})
    set(CMAKE_SYSROOT $ENV{FLANNEL_SYSROOT})
    set(CMAKE_EXE_LINKER_FLAGS_INIT -fuse-ld=lld)
    set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
    set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
    set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
endif()
