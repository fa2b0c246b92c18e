#!/bin/bash
echo "$GREETING" "${BASH_VERSION:+bash}"
