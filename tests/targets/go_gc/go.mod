module go_gc

go 1.19
