# .NET builds its shim over OpenSSL from source with CMake, which reads this file by CMAKE_TOOLCHAIN_FILE. The shim has what CMake's test
# programs find in the static OpenSSL. They must link for that, and Debian's OpenSSL needs the two compression libraries from Debian 13 on:
# without them the shim had no ALPN, and so no HTTP/2 over TLS.
set(CMAKE_C_STANDARD_LIBRARIES "-lzstd -lz")

# Against the libraries of eng/native.sh's sysroot, whatever its architecture.
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
