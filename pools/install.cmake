# cmake --install BUILD --prefix DIR: libpoolscope for services, found by find_package(poolscope) and pkg-config poolscope.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/poolscope)
install(TARGETS poolscope_pools poolscope_runtime EXPORT poolscopeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/poolscope DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT poolscopeTargets NAMESPACE poolscope:: DESTINATION ${config_folder})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/poolscopeConfig.cmake.in poolscopeConfig.cmake
                              INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(poolscopeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/poolscopeConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/poolscopeConfigVersion.cmake
        DESTINATION ${config_folder})
file(RELATIVE_PATH POOLSCOPE_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/poolscope.pc.in poolscope.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/poolscope.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
