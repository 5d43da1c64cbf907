# SPDX-License-Identifier: MIT
"""Builds guest images from distribution packages, without loop devices.

mirror    where packages come from
packages  one mmdebstrap run: the system's tar, the application's and the kernel's packages
tree      a file tree in memory: what an image shall hold, with owners that need no root
assemble  turns confs, overlay trees and packages into the trees of the images
variants  trees that are made: many small files, many small layers
workloads what workloads in a guest unpack, compile and install
images    writes every image from its tree
ext4      writes a tree into an ext4 image
erofs     writes a tree into an EROFS image
delta     a changed copy of an ext4 image, and how it differs from the original
block     such a difference as a qcow2 file, or as dm-snapshot's exception store
boot      kernel and initramfs
cache     digests of inputs, locking, publication
cli       the command
"""
