# For find_package(tinderbox): the targets tinderbox::tinderbox (shared) and tinderbox::static.
get_filename_component(_tinderbox_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET tinderbox::static)
    add_library(tinderbox::static STATIC IMPORTED GLOBAL)
    set_target_properties(tinderbox::static PROPERTIES
        IMPORTED_LOCATION "${_tinderbox_prefix}/lib/libtinderbox.a"
        INTERFACE_INCLUDE_DIRECTORIES "${_tinderbox_prefix}/include")
    if(EXISTS "${_tinderbox_prefix}/lib/libtinderbox.so")
        add_library(tinderbox::tinderbox SHARED IMPORTED GLOBAL)
        set_target_properties(tinderbox::tinderbox PROPERTIES
            IMPORTED_LOCATION "${_tinderbox_prefix}/lib/libtinderbox.so"
            INTERFACE_INCLUDE_DIRECTORIES "${_tinderbox_prefix}/include")
    endif()
endif()
