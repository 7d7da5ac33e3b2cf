module go_function

go 1.19
