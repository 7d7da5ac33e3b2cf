// tiny does not use sync.Pool, nor anything that does.
package main

func main() { println("tiny") }
