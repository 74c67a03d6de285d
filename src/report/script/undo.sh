ended() {
    status=$?
    if [ "$status" != 0 ]; then
        printf 'It ended at: %s. It can be run again.\n' "$at" >&2
    fi
}

# ADDRESS NOW WAS: gives the device back to the driver that it had.
return_to() {
    now=$(driver_of "$1")
    if [ "$now" = "$3" ]; then
        say "   it is there already"
    elif [ "$now" = "$2" ] || [ "$now" = none ]; then
        take_driver_off "$1"
        if [ "$3" != none ]; then
            probe_with "$1" "$3"
        fi
    else
        stop "$1 is on $now by now, and is left there"
    fi
    # What was asked for by the script, or just above.
    override=$(cat "/sys/bus/pci/devices/$1/driver_override")
    if [ "$override" = "$2" ] || [ "$override" = "$3" ]; then
        echo >"/sys/bus/pci/devices/$1/driver_override"
    fi
}

# ADDRESS COUNT
restore_virtual_functions() {
    count=$(cat "/sys/bus/pci/devices/$1/sriov_numvfs")
    if [ "$count" = "$2" ]; then
        say "   they are there already"
    elif [ "$count" = 0 ]; then
        printf '%s\n' "$2" >"/sys/bus/pci/devices/$1/sriov_numvfs"
    else
        stop "$1 has $count virtual functions by now, and is left so"
    fi
}

unload() {
    for module in "$@"; do
        if [ -d "/sys/module/$module" ]; then
            # Busybox says no where something that it needed is needed still.
            modprobe -r "$module" || [ ! -d "/sys/module/$module" ]
        fi
    done
}

# NODE OWNER USER
take_node_back() {
    if [ -e "$1" ] && [ "$(stat -c %u "$1")" = "$3" ]; then
        chown "$2" "$1"
    else
        say "   it is done already"
    fi
}

# FILE LINE...
remove_file() {
    file=$1
    shift
    if [ ! -e "$file" ]; then
        say "   it is done already"
    elif [ "$(cat "$file")" = "$(printf '%s\n' "$@")" ]; then
        rm "$file"
    else
        stop "$file has another text by now, and is left so"
    fi
}

# FILE LINE
remove_line() {
    [ -f "$1" ] || stop "there is no $1"
    if grep -qxF -e "$2" "$1"; then
        rest=$(grep -vxF -e "$2" "$1") || true
        if [ -n "$rest" ]; then
            printf '%s\n' "$rest"
        fi | replace "$1"
    fi
}
