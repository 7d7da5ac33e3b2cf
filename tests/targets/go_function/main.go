// go_function BINARY FUNCTION: prints where a function of a Go program is: its address and its offset in the file.
//
// It reads .gopclntab by the standard library of Go, so it works on stripped programs and shares nothing with poolscope.
package main

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// startOfGoCode: a program that a C linker made begins with code of C, and gosym wants to be told where that of Go begins. Since
// Go 1.18 the header of the table says so, except in position independent programs, which relocate it.
func startOfGoCode(table []byte, text *elf.Section) uint64 {
	const textStart = 24
	if len(table) >= textStart+8 {
		if start := binary.LittleEndian.Uint64(table[textStart:]); start >= text.Addr && start < text.Addr+text.Size {
			return start
		}
	}
	return text.Addr
}

func locate(program, function string) (address, offset uint64, err error) {
	file, err := elf.Open(program)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	lines, text := file.Section(".gopclntab"), file.Section(".text")
	if lines == nil {
		lines = file.Section(".data.rel.ro.gopclntab")
	}
	if lines == nil || text == nil {
		return 0, 0, errors.New("no .gopclntab or no .text: not a Go program with section headers")
	}
	data, err := lines.Data()
	if err != nil {
		return 0, 0, err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, startOfGoCode(data, text)))
	if err != nil {
		return 0, 0, err
	}
	found := table.LookupFunc(function)
	if found == nil {
		return 0, 0, errors.New("no function " + function)
	}
	return found.Entry, found.Entry - text.Addr + text.Offset, nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go_function BINARY FUNCTION")
		os.Exit(2)
	}
	address, offset, err := locate(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintf(os.Stderr, "go_function: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	fmt.Printf("0x%x 0x%x\n", address, offset)
}
