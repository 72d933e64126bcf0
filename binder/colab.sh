#!/usr/bin/env bash
# What a notebook runs on Colab before anything else: installs what Colab lacks, and this project.
# Packages that are there and new enough stay, torch above all, which fits the card it is given; so
# versions may differ from requirements.lock, and the grey line under a table says which they were.
set -e
cd "$(dirname "$0")/.."
python3 -m pip install --quiet --requirement binder/colab.txt
python3 -m pip install --quiet --no-deps --editable .
echo "musig is ready. If Colab asks to restart the session, do so, and run all cells again."
