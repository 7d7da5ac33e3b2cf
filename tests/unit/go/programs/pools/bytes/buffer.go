// Package bytes has the name of a package of the standard library, but not its Buffer.
package bytes

type Buffer struct {
	Length int64
	Data   [8]byte
}
