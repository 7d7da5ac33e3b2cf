module go_pools

go 1.19
