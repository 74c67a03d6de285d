say() {
    printf '%s\n' "$1"
}

# Ends the script; what is said then comes from the trap.
stop() {
    printf 'Stopped: %s.\n' "$1" >&2
    exit 1
}

# Names what is being done, for whoever reads along and for the trap.
step() {
    at=$1
    say "-- $1"
}

driver_of() {
    if [ -e "/sys/bus/pci/devices/$1/driver" ]; then
        basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
    else
        echo none
    fi
}

# ADDRESS VENDOR DEVICE: stops unless this is the device that was judged.
same_device() {
    [ -d "/sys/bus/pci/devices/$1" ] || stop "there is no device $1 here"
    found="$(cat "/sys/bus/pci/devices/$1/vendor") $(cat "/sys/bus/pci/devices/$1/device")"
    [ "$found" = "$2 $3" ] || stop "$1 is $found, and not $2 $3 that was judged"
}

# Waits for as long as somebody uses the device.
take_driver_off() {
    if [ -e "/sys/bus/pci/devices/$1/driver" ]; then
        say "   taking $(driver_of "$1") off $1; this waits until nobody uses it"
        printf '%s\n' "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
    fi
}

# ADDRESS DRIVER: a probe succeeds also where nothing was bound, so the link is read back.
probe_with() {
    printf '%s\n' "$2" >"/sys/bus/pci/devices/$1/driver_override"
    printf '%s\n' "$1" >/sys/bus/pci/drivers_probe
    [ "$(driver_of "$1")" = "$2" ] || stop "$2 did not take $1; the kernel log says why"
}

# FILE: the one line of it.
only_line() {
    [ -f "$1" ] || stop "there is no $1"
    [ "$(wc -l <"$1")" -le 1 ] || stop "$1 has several lines: change it by hand"
    cat "$1"
}

# FILE: writes what is read beside it, with its owner and mode, and puts that in its place, so that
# it is never there in part.
replace() {
    place=$(readlink -f "$1")
    cp -p "$place" "$place.ai-how"
    cat >"$place.ai-how"
    mv "$place.ai-how" "$place"
}

# FILE WORD
add_word() {
    line=$(only_line "$1")
    case " $line " in
        *" $2 "*) say "   it is there already" ;;
        *) printf '%s\n' "${line:+$line }$2" | replace "$1" ;;
    esac
}

# FILE WORD
remove_word() {
    line=" $(only_line "$1") "
    case $line in
        *" $2 "*)
            line="${line%%" $2 "*} ${line#*" $2 "}"
            line=${line# }
            printf '%s\n' "${line% }" | replace "$1"
            ;;
        *) say "   it is not there" ;;
    esac
}
