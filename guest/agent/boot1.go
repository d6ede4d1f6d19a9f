package main

import "os"

func boot1() { os.Exit(1) }
