[ "$(tty)" != /dev/hvc0 ] || stty sane rows 24 cols 80
