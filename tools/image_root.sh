#!/bin/sh
# image_root.sh driver|executor BIN ROOT - the files of an image beyond its base layer: the programs of BIN without their
# symbols, the shared libraries they name but the C library, certificates of public authorities, and for the driver's
# image the time zones of schedules.
#
# Called by the Dockerfiles, and by images.sh for programs that were compiled on this machine.
set -eu
kind=$1
bin=$2
root=$3

case $kind in
driver) programs="galley-driver galley-operator galley" ;;
executor) programs="galley-executor" ;;
*) echo "image_root.sh: there is no image '$kind'; say driver or executor" >&2 && exit 2 ;;
esac

rm -rf "$root"
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/var/lib/galley"
for program in $programs; do
    [ -x "$bin/$program" ] || { echo "image_root.sh: $bin/$program was not built" >&2 && exit 1; }
    strip -o "$root/usr/bin/$program" "$bin/$program"
    ldd "$bin/$program" | awk '$2 == "=>" {print $3}' |
        while read -r path; do
            case $path in
            */libc.so.* | */libm.so.* | */libdl.so.* | */libpthread.so.* | */librt.so.* | */libresolv.so.*) ;;
            *) mkdir -p "$root/usr${path%/*}" && cp -L "$path" "$root/usr$path" ;;
            esac
        done
done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
if [ "$kind" = driver ]; then
    mkdir -p "$root/usr/share"
    cp -a /usr/share/zoneinfo "$root/usr/share/zoneinfo"
    rm -rf "$root/usr/share/zoneinfo/right" "$root/usr/share/zoneinfo/posix"
fi
# Any user may run it, none may change it; the local directory is a volume in a pod.
chmod -R u=rwX,go=rX "$root"
chmod 1777 "$root/var/lib/galley"
