# Target peerbook_zstd: libzstd, from pkg-config.
if(NOT TARGET peerbook_zstd)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
    add_library(peerbook_zstd INTERFACE)
    target_link_libraries(peerbook_zstd INTERFACE PkgConfig::ZSTD)
endif()
