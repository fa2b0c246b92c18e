[ "$1" = broken ] && exit 3
echo ok
