#!/bin/sh
echo before
exit 5
