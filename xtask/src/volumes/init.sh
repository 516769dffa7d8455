#!/bin/sh
# The first program of a Linux kernel that runs as an ordinary program (User-Mode Linux) and has this machine's files as its own:
# what it mounts nobody else sees. `cargo xtask volumes` writes the paths in capitals.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
FOLDER='FOLDER_OF_VOLUMES'
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
# Sockets, locks and databases do not work on files that are another kernel's.
mount -t tmpfs -o size=1g ram "$FOLDER/ram"
mkdir -p /run/samba "$FOLDER/ram/modules/lib/modules" "$FOLDER/ram/tmp"
export TMPDIR="$FOLDER/ram/tmp"
ln -s "/usr/lib/uml/modules/$(uname -r)" "$FOLDER/ram/modules/lib/modules/"
for module in nls_cp437 nls_iso8859-1 nls_ascii nls_utf8 vfat aes_ti arc4 des_generic ctr cmac hmac ccm gcm ecb sha512_generic cifs; do
    modprobe -d "$FOLDER/ram/modules" "$module"
done
ip link set lo up
'XTASK' volumes --inside && echo held > "$FOLDER/outcome"
sync
# Not every system has a program for it.
halt -f -p 2>/dev/null || echo o >/proc/sysrq-trigger
sleep 5
