# poolscope_bpf_skeleton(NAME SOURCE [HEADERS...]): compiles a BPF program and makes the interface target NAME_skel, whose
# include directory holds NAME.skel.h. Needs clang and bpftool, but neither vmlinux.h nor the BTF of the build machine.
find_program(BPF_CLANG NAMES clang clang-14 REQUIRED)
find_program(BPF_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip llvm-strip-14 REQUIRED)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf)

string(REGEX REPLACE "x86_64|AMD64" "x86" BPF_ARCH ${CMAKE_SYSTEM_PROCESSOR})

add_custom_target(bpf_skeletons COMMENT "What has to be there before any source can be read")

function(poolscope_bpf_skeleton name source)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/skel/${name}.skel.h)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/bpf/*.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/skel
    COMMAND ${BPF_CLANG} -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_${BPF_ARCH} -Wall -Wextra -Werror
            -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/pools/include -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    COMMAND ${BPF_STRIP} -g ${object}
    COMMAND ${BPF_BPFTOOL} gen skeleton ${object} name ${name} > ${header}
    DEPENDS ${source} ${headers} ${PROJECT_SOURCE_DIR}/pools/include/poolscope/log_linear.h
    COMMENT "BPF skeleton ${name}"
    VERBATIM)
  add_custom_target(${name}_skel_header DEPENDS ${header})
  add_dependencies(bpf_skeletons ${name}_skel_header)
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_skel_header)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/skel)
  target_link_libraries(${name}_skel INTERFACE PkgConfig::LIBBPF)
endfunction()
