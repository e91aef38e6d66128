# Debian's libraries as interface targets; only the room that owns a library links it.

# pkg-config's static archives where GLY_STATIC asks for them, else the shared ones.
function(gly_library target)
  add_library(${target} INTERFACE)
  foreach(name ${ARGN})
    if(GLY_STATIC)
      find_library(GLY_LIB_${name} NAMES lib${name}.a ${name} REQUIRED)
      target_link_libraries(${target} INTERFACE ${GLY_LIB_${name}})
    else()
      find_library(GLY_SHARED_${name} NAMES ${name} REQUIRED)
      target_link_libraries(${target} INTERFACE ${GLY_SHARED_${name}})
    endif()
  endforeach()
endfunction()

# The compiler's own archive of a runtime library, so that programs need only libc and libm.
function(gly_runtime_archive variable name)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${name}
    OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${variable} ${path} PARENT_SCOPE)
endfunction()
gly_runtime_archive(GLY_STDCXX libstdc++.a)
gly_runtime_archive(GLY_GCC_EH libgcc_eh.a)

gly_library(gly_codecs zstd lz4 snappy deflate xxhash)
if(GLY_STATIC)
  target_link_libraries(gly_codecs INTERFACE ${GLY_STDCXX} ${GLY_GCC_EH} m) # snappy is C++ inside
endif()
gly_library(gly_text_libraries utf8proc pcre2-8)
gly_library(gly_cjson cjson)
# Always the shared libraries: libcurl brings them along, and a process must not have OpenSSL twice.
find_library(GLY_SHARED_SSL NAMES libssl.so REQUIRED)
find_library(GLY_SHARED_CRYPTO NAMES libcrypto.so REQUIRED)
add_library(gly_openssl INTERFACE)
target_link_libraries(gly_openssl INTERFACE ${GLY_SHARED_SSL} ${GLY_SHARED_CRYPTO} dl)
find_library(GLY_SHARED_CURL NAMES libcurl.so REQUIRED)
add_library(gly_curl INTERFACE)
target_link_libraries(gly_curl INTERFACE ${GLY_SHARED_CURL} gly_openssl)
gly_library(gly_yaml yaml)
gly_library(gly_event event_core event_extra) # HTTP server of the operator's metrics
gly_library(gly_cunit cunit)

# find_package(gRPC) needs libgrpc++-dev; pkg-config does not.  Its archives depend on each other in
# circles, so they go into one group, as one item that CMake cannot reorder.
pkg_check_modules(GRPC REQUIRED grpc)
add_library(gly_grpc INTERFACE)
if(GLY_STATIC)
  set(group "")
  set(grpc_names ${GRPC_STATIC_LIBRARIES})
  list(REMOVE_DUPLICATES grpc_names)
  foreach(name ${grpc_names})
    if(NOT name MATCHES "^(rt|dl|pthread|m|atomic|ssl|crypto)$")
      find_library(GLY_LIB_${name} NAMES lib${name}.a REQUIRED)
      string(APPEND group ",${GLY_LIB_${name}}")
    endif()
  endforeach()
  target_link_libraries(gly_grpc INTERFACE
    "-Wl,--start-group${group},${GLY_STDCXX},${GLY_GCC_EH},--end-group" gly_openssl dl m Threads::Threads)
else()
  target_link_libraries(gly_grpc INTERFACE grpc gpr)
endif()

pkg_check_modules(EDIT REQUIRED libedit)
add_library(gly_editline INTERFACE)
target_link_libraries(gly_editline INTERFACE ${EDIT_LIBRARIES})

# proto/galley/*.proto -> generated/proto/galley/*.pb-c.{h,c}
find_program(PROTOC_C protoc-c REQUIRED)
find_library(GLY_PROTOBUF_C NAMES libprotobuf-c.a protobuf-c REQUIRED)
file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/galley/*.proto)
set(proto_sources "")
set(generated ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
foreach(proto ${protos})
  get_filename_component(stem ${proto} NAME_WE)
  set(outputs ${generated}/proto/galley/${stem}.pb-c.c ${generated}/proto/galley/${stem}.pb-c.h)
  add_custom_command(OUTPUT ${outputs}
    COMMAND ${PROTOC_C} --proto_path=${CMAKE_SOURCE_DIR} --c_out=${generated} ${proto}
    DEPENDS ${proto} VERBATIM)
  list(APPEND proto_sources ${outputs})
endforeach()
if(NOT proto_sources)
  file(WRITE ${CMAKE_BINARY_DIR}/empty_proto.c "extern int gly_empty_proto;\nint gly_empty_proto;\n")
  set(proto_sources ${CMAKE_BINARY_DIR}/empty_proto.c)
endif()
add_library(gly_proto_generated STATIC ${proto_sources})
target_include_directories(gly_proto_generated PUBLIC ${generated})
target_link_libraries(gly_proto_generated PUBLIC ${GLY_PROTOBUF_C})
