#!/usr/bin/env python3
"""Prints what a merchant of this folder credited: for the order in PAYOUT_CHECK_ORDER, or else in all.

    payout-notify check URL --observe "python3 observe.py credits.txt"
"""
import os
import sys

ORDER = os.environ.get("PAYOUT_CHECK_ORDER")
credited = 0
if os.path.exists(sys.argv[1]):
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            order, amount = line.split()
            if ORDER is None or order == ORDER:
                credited += int(amount)
print(credited)
