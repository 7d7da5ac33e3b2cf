module tiny

go 1.17
