module go_no_pool

go 1.19
