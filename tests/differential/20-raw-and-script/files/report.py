import os, sys
print(sys.argv[1:])
print(os.getcwd())
