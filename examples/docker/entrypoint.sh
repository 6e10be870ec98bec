#!/bin/sh
# nginx in the background, karuntime in the foreground: it gets the signals that docker sends, and gives the address up.
set -eu
nginx
exec npx --prefix /etc/karuntime karuntime start -c "$CONFIGURATION"
