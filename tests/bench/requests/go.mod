module requests

go 1.26
