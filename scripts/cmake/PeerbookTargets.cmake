# How every target of the project is made: one library a folder, warnings are errors, sources listed.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)  # __int128
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1")
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
endif()

if(PEERBOOK_SANITIZE)
    add_compile_options(-fsanitize=${PEERBOOK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${PEERBOOK_SANITIZE})
    if(PEERBOOK_SANITIZE STREQUAL "thread")
        # It knows no fences; Boost.Asio's are beside its mutexes, which it does know.
        add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
        add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
    # Sanitizers' own instrumentation makes g++ see variables that may be unset where there are none.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

add_library(peerbook_warnings INTERFACE)
target_compile_options(peerbook_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                       -Wimplicit-fallthrough -Werror)
# g++ 12 raises these four falsely on inlined vectors at -O3; the address sanitizer build looks for the real thing.
target_compile_options(peerbook_warnings INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict>)
target_include_directories(peerbook_warnings INTERFACE ${CMAKE_SOURCE_DIR})

# peerbook_library(NAME SOURCES a.cc … [PUBLIC targets…] [PRIVATE targets…])
# Makes target peerbook_NAME with alias peerbook::NAME.
function(peerbook_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    add_library(peerbook_${name} STATIC ${ARG_SOURCES})
    add_library(peerbook::${name} ALIAS peerbook_${name})
    target_link_libraries(peerbook_${name} PUBLIC peerbook_warnings ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# peerbook_test(NAME [THREADS] SOURCES a_test.cc … LIBS targets… [LABELS …]): one gtest executable, one ctest entry a
# case. THREADS: it starts threads. The thread sanitizer's build has no others: there is nothing to find in them.
function(peerbook_test name)
    cmake_parse_arguments(ARG "THREADS" "" "SOURCES;LIBS;LABELS" ${ARGN})
    if(PEERBOOK_SANITIZE STREQUAL "thread" AND NOT ARG_THREADS)
        return()
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE peerbook_warnings ${ARG_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
    # A unit test's own code is compiled once and run for a moment; what it tests is optimised as ever.
    if(ARG_LABELS STREQUAL "unit" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        if(PEERBOOK_SANITIZE)
            target_compile_options(${name} PRIVATE -O0)
        else()
            target_compile_options(${name} PRIVATE -O1)
        endif()
    endif()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS "${ARG_LABELS}"
                         ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endfunction()
