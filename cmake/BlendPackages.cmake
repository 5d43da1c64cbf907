# SPDX-License-Identifier: MIT
# Three Debian packages, a component each. Made by `cpack` in a build folder of the preset `package`; the version
# is the project's. Dependencies on libraries are found by dpkg-shlibdeps, the others are said here.
#
# A package that shall install on several releases is built on the oldest of them: names of libraries change on
# the way up, and the new ones then provide the old.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME blendfs)
set(CPACK_PACKAGE_VENDOR blendfs)
set(CPACK_PACKAGE_CONTACT "The blendfs developers <developers@blendfs.invalid>")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # else it would stand before each package's own
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_BLENDFS_PACKAGE_NAME blendfs)
set(CPACK_DEBIAN_BLENDFS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_BLENDFS_PACKAGE_RECOMMENDS "fuse3")
set(CPACK_DEBIAN_BLENDFS_DESCRIPTION "union file system in user space, in overlayfs's format
blendfs merges directories into one file system. Its on-disk format is that of
the kernel's overlayfs, and either mounts what the other wrote.

This package has blendfs, its mount helper (mount -t fuse.blendfs) and
blendctl, which explains, checks, compares and flattens layers.")

set(CPACK_DEBIAN_INITRAMFS_PACKAGE_NAME blendfs-initramfs)
set(CPACK_DEBIAN_INITRAMFS_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_INITRAMFS_PACKAGE_DEPENDS
  "initramfs-tools | dracut, busybox | busybox-static | dracut, kmod, util-linux")
set(CPACK_DEBIAN_INITRAMFS_PACKAGE_RECOMMENDS "blendfs")
set(CPACK_DEBIAN_INITRAMFS_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/packaging/deb/triggers")
set(CPACK_DEBIAN_INITRAMFS_DESCRIPTION "blendfs as the root file system
The initramfs puts the root together from a system image, app images and a
user image, as blendfs.system= on the kernel command line says. Without that
parameter a system boots as before.

For initramfs-tools and for dracut.")

set(CPACK_DEBIAN_BLENDBENCH_PACKAGE_NAME blendbench)
set(CPACK_DEBIAN_BLENDBENCH_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_BLENDBENCH_PACKAGE_DEPENDS "python3")
set(CPACK_DEBIAN_BLENDBENCH_PACKAGE_RECOMMENDS
  "blendfs, fio, python3-jinja2, python3-matplotlib, python3-numpy, qemu-system-x86, qemu-utils, e2fsprogs")
set(CPACK_DEBIAN_BLENDBENCH_PACKAGE_SUGGESTS
  "blendfs-initramfs, mmdebstrap, g++, erofs-utils, fuse-overlayfs, unionfs-fuse, mergerfs, systemd-container")
set(CPACK_DEBIAN_BLENDBENCH_DESCRIPTION "measures union file systems, as roots of guests and on the host
blendbench boots guests whose roots are put together in different ways, or
mounts engines on the host, measures boot and throughput, keeps every raw
sample, and decides claims with margins that were fixed beforehand.

This package has the program, its experiments and workloads, the report
generator, and the builder of guest images (/usr/share/blendbench/vm-images).")

set(CPACK_COMPONENTS_ALL "")
if(BLENDFS)
  list(APPEND CPACK_COMPONENTS_ALL blendfs)
  if(BLENDFS_STATIC)
    list(APPEND CPACK_COMPONENTS_ALL initramfs)
  endif()
endif()
if(BLENDBENCH)
  list(APPEND CPACK_COMPONENTS_ALL blendbench)
endif()
include(CPack)
