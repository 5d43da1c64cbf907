# SPDX-License-Identifier: MIT
"""Builds guest images from distribution packages, without loop devices.

mirror    where packages come from
packages  one mmdebstrap run: the system's tar, the application's and the kernel's packages
tree      a file tree in memory: what an image shall hold, with owners that need no root
assemble  turns confs, overlay trees and packages into the trees of the five images
ext4      writes a tree into an ext4 image
boot      kernel and initramfs
cache     digests of inputs, locking, publication
cli       the command
"""
