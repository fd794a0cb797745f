# Target peerbook_rapidjson: RapidJSON 1.1, header-only, as a SYSTEM include.
#
# Its document.h has an assignment operator, never used, that writes to a const member; clang from 19 on refuses that even
# in a system header. For clang a copy without that operator is made in the build directory.
if(NOT TARGET peerbook_rapidjson)
    find_path(PEERBOOK_RAPIDJSON_DIR rapidjson/document.h REQUIRED)
    set(rapidjson_include ${PEERBOOK_RAPIDJSON_DIR})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        set(rapidjson_include ${CMAKE_BINARY_DIR}/rapidjson-for-clang)
        file(COPY ${PEERBOOK_RAPIDJSON_DIR}/rapidjson DESTINATION ${rapidjson_include})
        file(READ ${rapidjson_include}/rapidjson/document.h text)
        string(REPLACE "GenericStringRef& operator=(const GenericStringRef& rhs) { s = rhs.s; length = rhs.length; }"
                       "GenericStringRef& operator=(const GenericStringRef& rhs) = delete;" text "${text}")
        file(WRITE ${rapidjson_include}/rapidjson/document.h "${text}")
    endif()
    add_library(peerbook_rapidjson INTERFACE)
    target_include_directories(peerbook_rapidjson SYSTEM INTERFACE ${rapidjson_include})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        # Its empty stack adds to a null pointer (internal/stack.h), which clang's check takes for an overflow.
        target_compile_options(peerbook_rapidjson INTERFACE -fno-sanitize=pointer-overflow)
    endif()
    target_compile_definitions(peerbook_rapidjson INTERFACE RAPIDJSON_HAS_STDSTRING=1)
endif()
