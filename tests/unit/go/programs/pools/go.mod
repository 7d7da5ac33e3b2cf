module example.com/pooltest

go 1.17
