# SPDX-License-Identifier: MIT
"""The two forms in which a block device's difference to a base is stored: qcow2, and dm-snapshot's exceptions.

Both are written here and not by qemu-img or the kernel: the formats are small, and each chunk then lies
where its number says, so that the bytes depend on the difference alone.
"""
import struct

QCOW2_MAGIC = 0x514649FB
CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
REFCOUNTS_PER_BLOCK = CLUSTER // 2  # 16 bits each
L2_ENTRIES = CLUSTER // 8
COPIED = 1 << 63

SNAPSHOT_MAGIC = 0x70416E53
SECTOR = 512


def _ceil(value, unit):
    return -(-value // unit)


def write_qcow2(path, size, clusters):
    """A qcow2 file of the virtual size `size` that holds `clusters`: (number, CLUSTER bytes), ascending.

    It names no backing file: who opens it says which node is below. Order in the file: header, refcount table,
    refcount blocks, L1 table, L2 tables, data.
    """
    clusters = list(clusters)
    l2_numbers = sorted({number // L2_ENTRIES for number, _ in clusters})
    l1_size = _ceil(_ceil(size, CLUSTER), L2_ENTRIES)
    l1_clusters = _ceil(l1_size * 8, CLUSTER)
    rest = 1 + l1_clusters + len(l2_numbers) + len(clusters)
    # A refcount block counts itself and the table as well.
    blocks = tables = 1
    while blocks * REFCOUNTS_PER_BLOCK < rest + blocks + tables or tables * (CLUSTER // 8) < blocks:
        blocks += 1
        tables = _ceil(blocks * 8, CLUSTER)
    table_at, block_at, l1_at = 1, 1 + tables, 1 + tables + blocks
    l2_at = l1_at + l1_clusters
    data_at = l2_at + len(l2_numbers)
    total = data_at + len(clusters)

    header = struct.pack(">IIQIIQIIQQIIQQQQII", QCOW2_MAGIC, 3, 0, 0, CLUSTER_BITS, size, 0, l1_size, l1_at * CLUSTER,
                         table_at * CLUSTER, tables, 0, 0, 0, 0, 0, 4, 104) + bytes(8)
    l1_table = [0] * l1_size
    l2_tables = {number: [0] * L2_ENTRIES for number in l2_numbers}
    for place, number in enumerate(l2_numbers):
        l1_table[number] = (l2_at + place) * CLUSTER | COPIED
    for place, (number, _) in enumerate(clusters):
        l2_tables[number // L2_ENTRIES][number % L2_ENTRIES] = (data_at + place) * CLUSTER | COPIED
    with open(path, "wb") as out:
        out.write(_padded(header))
        out.write(_padded(_big_endian([(block_at + n) * CLUSTER for n in range(blocks)])).ljust(tables * CLUSTER, b"\0"))
        out.write((b"\0\1" * total).ljust(blocks * CLUSTER, b"\0"))
        out.write(_big_endian(l1_table).ljust(l1_clusters * CLUSTER, b"\0"))
        for number in l2_numbers:
            out.write(_big_endian(l2_tables[number]))
        for _, data in clusters:
            out.write(data)


def _big_endian(values):
    return struct.pack(f">{len(values)}Q", *values)


def _padded(data):
    return data + bytes(-len(data) % CLUSTER)


def write_snapshot(path, store_bytes, chunk_sectors, chunks):
    """dm-snapshot's persistent exception store, a sparse file of `store_bytes`, with `chunks`: (number, bytes).

    As the kernel's dm-snap-persistent.c reads it: a header in chunk 0; then, again and again, an area of one chunk
    with (old, new) pairs of 64 bits and the data chunks which they name. A pair of zeros ends the list.
    """
    chunk_bytes = chunk_sectors * SECTOR
    per_area = chunk_bytes // 16
    with open(path, "wb") as out:
        out.truncate(store_bytes)
        out.write(struct.pack("<IIII", SNAPSHOT_MAGIC, 1, 1, chunk_sectors))
        for place, (number, data) in enumerate(chunks):
            area_at = 1 + place // per_area * (per_area + 1)
            new = area_at + 1 + place % per_area
            out.seek(area_at * chunk_bytes + place % per_area * 16)
            out.write(struct.pack("<QQ", number, new))
            out.seek(new * chunk_bytes)
            out.write(data)
