ended() {
    status=$?
    if [ "$status" != 0 ] && [ "$at" = 'the checks' ]; then
        echo 'Nothing was changed.' >&2
    elif [ "$status" != 0 ]; then
        printf 'It ended at: %s. To take back what was done before: sh %s.undo %s\n' \
            "$at" "$0" "$arguments" >&2
    fi
}

# ADDRESS DRIVER NEW: stops unless the device has the driver that it had when it was judged, or
# already the one that it is to have.
same_driver() {
    now=$(driver_of "$1")
    [ "$now" = "$2" ] || [ "$now" = "$3" ] ||
        stop "the driver of $1 is $now, and was $2 when it was judged"
}

# INTERFACE FOLDER: whether a default route goes through it, or through what stands above it: a
# bridge, a bond, a VLAN.
routes_through() {
    if grep -q "^$1[[:space:]]*00000000[[:space:]]" /proc/net/route; then
        return 0
    fi
    if [ -e /proc/net/ipv6_route ] &&
        grep -q "^0\{32\} 00 .* $1\$" /proc/net/ipv6_route; then
        return 0
    fi
    for above in "$2"/upper_*; do
        if [ -e "$above" ] && (routes_through "${above##*/upper_}" "$above"); then
            return 0
        fi
    done
    return 1
}

# ADDRESS: stops where the host has come to use a disk or a route of it since it was judged.
not_in_use() {
    find "/sys/bus/pci/devices/$1/" -name dev -o -name ifindex | while read -r file; do
        home=${file%/*}
        name=${home##*/}
        if [ "$file" = "$home/ifindex" ]; then
            if routes_through "$name" "$home"; then
                stop "the default route is through $name of $1 by now"
            fi
        elif [ -e "$home/size" ]; then
            number=$(cat "$file")
            if grep -q -e "^[0-9]* [0-9]* $number " -e " /dev/$name " /proc/self/mountinfo; then
                stop "$name of $1 is mounted by now"
            elif grep -q "^/dev/${name}[[:space:]]" /proc/swaps; then
                stop "$name of $1 is swapped on by now"
            elif [ -n "$(ls -A "$home/holders" 2>/dev/null)" ]; then
                stop "$name of $1 is in use by now"
            fi
        fi
    done
}

# ADDRESS DRIVER
move_to() {
    if [ "$(driver_of "$1")" = "$2" ]; then
        say "   it is done already"
        return
    fi
    take_driver_off "$1"
    probe_with "$1" "$2"
}

# ADDRESS COUNT
remove_virtual_functions() {
    count=$(cat "/sys/bus/pci/devices/$1/sriov_numvfs")
    if [ "$count" = 0 ]; then
        say "   it is done already"
        return
    fi
    [ "$count" = "$2" ] || stop "$1 has $count virtual functions, and had $2 when it was judged"
    say "   this waits until nobody uses them"
    echo 0 >"/sys/bus/pci/devices/$1/sriov_numvfs"
}

# One call for each module: modprobe takes a second name for a parameter of the first.
load() {
    for module in "$@"; do
        modprobe "$module"
    done
}

# NODE OWNER USER
give_node() {
    owner=$(stat -c %u "$1")
    if [ "$owner" = "$3" ]; then
        say "   it is done already"
        return
    fi
    [ "$owner" = "$2" ] || stop "the owner of $1 is $owner, and was $2 when it was judged"
    chown "$3" "$1"
}

# PROGRAM COMMAND
needs() {
    command -v "$1" >/dev/null || stop "$1 is missing; it is installed by: $2"
}

# FILE LINE...: makes a file; one that is there with another text is left as it is.
put_file() {
    file=$1
    shift
    if [ ! -e "$file" ]; then
        mkdir -p "${file%/*}"
        printf '%s\n' "$@" >"$file"
        chmod 644 "$file"
    elif [ "$(cat "$file")" = "$(printf '%s\n' "$@")" ]; then
        say "   it is done already"
    else
        stop "$file is there already with another text, and is left so"
    fi
}

# FILE LINE
add_line() {
    [ -f "$1" ] || stop "there is no $1"
    if ! grep -qxF -e "$2" "$1"; then
        # What has no end of line would run into the new one.
        [ -z "$(tail -c 1 "$1")" ] || echo >>"$1"
        printf '%s\n' "$2" >>"$1"
    fi
}
