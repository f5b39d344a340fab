// For a clang whose own C++ library is not linked: keeps std::string's functions in the object file.
#include <string>
template class std::basic_string<char>;
